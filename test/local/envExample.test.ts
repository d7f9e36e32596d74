import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONFIG_KEYS, loadConfig, makeRingKey } from '../../src/config.ts';
import { LOCAL_KEYS, readEnvironment, readLocalSettings } from '../../src/local/settings.ts';

const file = new URL('../../.env.example', import.meta.url);
const entries = [...readFileSync(file, 'utf8').matchAll(/^#([A-Z0-9_]+)=(.*)$/gm)].map(
  ([, key = '', value = '']) => ({
    key,
    value,
  }),
);

describe('.env.example', () => {
  it('documents every variable, once, and no other', () => {
    assert.deepEqual(entries.map(({ key }) => key).toSorted(), [...CONFIG_KEYS, ...LOCAL_KEYS].toSorted());
  });

  it('shows the true defaults', () => {
    const required = {
      DATABASE_URL: 'postgres://somewhere',
      SIGNING_KEYS: makeRingKey('a'),
      ENCRYPTION_KEYS: makeRingKey('a'),
    };
    const shown = Object.fromEntries(
      entries.filter(({ value }) => value !== '').map(({ key, value }) => [key, value]),
    );
    assert.deepEqual(loadConfig({ ...required, ...shown }), loadConfig(required));
    assert.deepEqual(readLocalSettings(shown), readLocalSettings({}));
  });

  it('says a line about each variable', () => {
    const lines = readFileSync(file, 'utf8').split('\n');
    const bare = entries.filter(
      ({ key }) => !lines[lines.findIndex((l) => l.startsWith(`#${key}=`)) - 1]?.match(/^# \S/),
    );
    assert.deepEqual(bare, []);
  });
});

describe('the environment of npm start', () => {
  it('lets a set variable win over .env, and .env over an empty one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'env-'));
    await writeFile(`${folder}/.env`, 'PORT=1\nHOST=from-file\nLOG_LEVEL="warn"\n');
    const env = readEnvironment(`${folder}/.env`, { PORT: '2', HOST: '' });
    assert.deepEqual(env, { PORT: '2', HOST: 'from-file', LOG_LEVEL: 'warn' });
    await rm(folder, { recursive: true });
  });

  it('names a bad variable and hides its value', () => {
    assert.throws(
      () => readLocalSettings({ POSTGRES_PORT: 'tiger' }),
      (error: Error) => {
        assert.match(error.message, /POSTGRES_PORT/);
        assert.doesNotMatch(error.message, /tiger/);
        return true;
      },
    );
  });
});
