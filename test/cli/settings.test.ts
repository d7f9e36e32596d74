import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../../src/cli/failures.ts';
import { configFile, findAccess, stateDir } from '../../src/cli/settings.ts';

describe('where the command finds address and token', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vf-settings-'));
  });

  afterEach(() => rm(dir, { recursive: true, force: true }));

  const around = (env: Record<string, string> = {}) => ({ env, cwd: join(dir, 'work'), homeDir: dir });
  const write = async (file: string, content: unknown) => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  };
  const writeConfig = (content: unknown) => write(join(dir, '.config', 'videoflow', 'config.json'), content);
  const writeLocal = (content: unknown) => write(join(dir, 'work', '.data', 'local.json'), content);
  const LOCAL = { api_url: 'http://local', token: 'local-token', username: 'admin', password: 'p' };

  it('asks flags, environment, configuration file and local.json, in that order', async () => {
    await writeLocal(LOCAL);
    assert.deepEqual(findAccess({}, around()), { url: 'http://local', token: 'local-token' });
    await writeConfig({ url: 'http://config', token: 'config-token' });
    assert.deepEqual(findAccess({}, around()), { url: 'http://config', token: 'config-token' });
    const env = { VIDEOFLOW_URL: 'http://env', VIDEOFLOW_TOKEN: 'env-token' };
    assert.deepEqual(findAccess({}, around(env)), { url: 'http://env', token: 'env-token' });
    const flags = { url: 'http://flag', token: 'flag-token' };
    assert.deepEqual(findAccess(flags, around(env)), flags);
  });

  it('takes each from where it comes first', async () => {
    await writeConfig({ url: 'http://config', token: 'config-token' });
    const env = { VIDEOFLOW_TOKEN: 'env-token' };
    assert.deepEqual(findAccess({}, around(env)), { url: 'http://config', token: 'env-token' });
    assert.deepEqual(findAccess({ token: 'flag-token' }, around(env)), {
      url: 'http://config',
      token: 'flag-token',
    });
    assert.deepEqual(findAccess({ url: 'http://flag' }, around(env)), {
      url: 'http://flag',
      token: 'env-token',
    });
  });

  it('sends the token of a file only to the address of that file', async () => {
    await writeConfig({ url: 'https://config.example/', token: 'config-token' });
    await writeLocal(LOCAL);
    assert.throws(() => findAccess({ url: 'http://other' }, around()), UsageError);
    assert.equal(findAccess({ url: 'https://CONFIG.example' }, around()).token, 'config-token');
    assert.equal(findAccess({ url: 'http://local/v1' }, around()).token, 'local-token');
    await writeConfig({ token: 'config-token' });
    assert.equal(
      findAccess({ url: 'http://other' }, around()).token,
      'config-token',
      'one for all addresses',
    );
  });

  it("never sends the person's token to an address that lies in the current folder", async () => {
    await writeLocal({ api_url: 'http://attacker', token: 'their-token' });
    assert.equal(findAccess({}, around({ VIDEOFLOW_TOKEN: 'env-token' })).token, 'their-token');
    await writeConfig({ token: 'config-token' });
    assert.equal(findAccess({}, around()).token, 'their-token');
  });

  it('honours the XDG folders, when they are absolute', () => {
    const env = { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' };
    assert.equal(configFile(around(env)), '/c/videoflow/config.json');
    assert.equal(stateDir(around(env)), '/s/videoflow');
    const relative = { XDG_CONFIG_HOME: 'c', XDG_STATE_HOME: '' };
    assert.equal(configFile(around(relative)), join(dir, '.config/videoflow/config.json'));
    assert.equal(stateDir(around(relative)), join(dir, '.local/state/videoflow'));
  });

  it('reads the configuration file from there', async () => {
    await write(join(dir, 'xdg', 'videoflow', 'config.json'), { url: 'http://xdg', token: 't' });
    assert.equal(findAccess({}, around({ XDG_CONFIG_HOME: join(dir, 'xdg') })).url, 'http://xdg');
  });

  it('says what is wrong with a configuration file without showing what is in it', async () => {
    for (const content of [
      '{"token": "secret-token"',
      { token: 'secret-token', url: 7 },
      { tokn: 'secret-token' },
    ]) {
      await writeConfig(content);
      assert.throws(
        () => findAccess({ url: 'http://a' }, around()),
        (error) =>
          error instanceof UsageError &&
          /config\.json must be JSON/.test(error.message) &&
          !/secret/.test(error.message),
      );
    }
  });

  it('leaves a local.json alone that is not one of ours', async () => {
    await writeLocal('[1, 2]');
    assert.throws(() => findAccess({}, around()), /No address is known/);
    await chmod(join(dir, 'work', '.data', 'local.json'), 0);
    assert.throws(() => findAccess({}, around()), /No address is known/);
  });

  it('takes the address as people copy it', () => {
    for (const url of ['http://a:8000', 'http://a:8000/', 'http://a:8000/v1', 'http://a:8000/v1/']) {
      assert.equal(findAccess({ url, token: 't' }, around()).url, 'http://a:8000');
    }
    assert.equal(findAccess({ url: 'https://a/videos/', token: 't' }, around()).url, 'https://a/videos');
  });
});
