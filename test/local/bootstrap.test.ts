import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspectInstallation, isSuitableNode, needsInstall } from '../../src/local/bootstrap.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('the first file of both commands', () => {
  it('runs the sources on Node 24 and 25 only', () => {
    const verdicts = ['20.20.2', '22.17.0', '24.0.0', '25.1.0', '26.10.0'].map(isSuitableNode);
    assert.deepEqual(verdicts, [false, false, true, true, false]);
  });

  it('installs what was never installed to the end', () => {
    assert.equal(
      needsInstall({ lockHash: 'a', lockTimeMs: 1, installedTimeMs: undefined, stamp: 'a' }),
      true,
    );
  });

  it('installs again when the lock file is newer and another', () => {
    assert.equal(needsInstall({ lockHash: 'b', lockTimeMs: 2, installedTimeMs: 1, stamp: 'a' }), true);
    assert.equal(needsInstall({ lockHash: 'b', lockTimeMs: 2, installedTimeMs: 1, stamp: undefined }), true);
  });

  it('does not install for a lock file that was only touched, or is older', () => {
    assert.equal(needsInstall({ lockHash: 'a', lockTimeMs: 2, installedTimeMs: 1, stamp: 'a' }), false);
    assert.equal(needsInstall({ lockHash: 'a', lockTimeMs: 1, installedTimeMs: 2, stamp: undefined }), false);
  });

  it('reads the facts of this checkout', () => {
    const facts = inspectInstallation(root);
    assert.match(facts.lockHash, /^[0-9a-f]{64}$/);
    assert.ok(facts.lockTimeMs > 0);
    assert.ok(facts.installedTimeMs);
  });

  it('says how it is used when the word is missing, without installing anything', () => {
    const { status, stderr } = spawnSync(process.execPath, [`${root}src/local/bootstrap.mjs`], {
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /npm start/);
  });
});
