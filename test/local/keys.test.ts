import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRingKey } from '../../src/config.ts';
import { readOrMakeKeys } from '../../src/local/keys.ts';
import { previewConfig } from '../../src/local/settings.ts';

describe('keys', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keys-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are made once, usable, and readable by their owner alone', () => {
    const made = readOrMakeKeys({}, folder);
    assert.deepEqual(readOrMakeKeys({}, folder), made);
    assert.equal(previewConfig({ ...made }).SIGNING_KEYS[0]?.bytes.length, 32);
    assert.notEqual(made.SIGNING_KEYS, made.ENCRYPTION_KEYS);
    assert.equal(statSync(join(folder, 'keys.json')).mode & 0o777, 0o600);
  });

  it('of the environment win, each by itself', () => {
    const given = makeRingKey('mine');
    const keys = readOrMakeKeys({ SIGNING_KEYS: given }, folder);
    assert.equal(keys.SIGNING_KEYS, given);
    assert.match(keys.ENCRYPTION_KEYS, /^k1:/);
  });

  it('must be given in production', () => {
    const env = { NODE_ENV: 'production', SIGNING_KEYS: makeRingKey('a') };
    assert.throws(() => readOrMakeKeys(env, folder), /NODE_ENV=production.*ENCRYPTION_KEYS/);
    readOrMakeKeys({ ...env, ENCRYPTION_KEYS: makeRingKey('a') }, folder);
  });

  it('are not replaced when their file cannot be read', () => {
    writeFileSync(join(folder, 'keys.json'), '{');
    assert.throws(() => readOrMakeKeys({}, folder), /keys.json cannot be read/);
  });
});
