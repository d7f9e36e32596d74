import assert from 'node:assert/strict';
import { findTemporalExecutable, type TemporalProbes } from '../../src/local/temporalExecutable.ts';

const CACHED = '/cache/temporal';

/** A machine on which nothing is there and nothing works, but for what a test says. */
function describeMachine(given: {
  onPath?: string;
  /** Programs that are there, and whether they run. */
  programs?: Record<string, boolean>;
  canDownload?: boolean;
  hasGo?: boolean;
  builds?: boolean;
}) {
  const programs = new Map(Object.entries(given.programs ?? {}));
  const done: string[] = [];
  const arrive = (what: string, works: boolean | undefined) => {
    done.push(what);
    if (works) programs.set(CACHED, true);
    return works === true;
  };
  const probes: TemporalProbes = {
    cachedPath: CACHED,
    findOnPath: () => given.onPath,
    exists: (path) => programs.has(path),
    readVersion: (path) => (programs.get(path) ? 'temporal version 1' : undefined),
    remove: (path) => {
      done.push(`remove ${path}`);
      programs.delete(path);
    },
    download: async () => arrive('download', given.canDownload),
    hasGo: () => given.hasGo === true,
    build: async () =>
      arrive('build', given.builds) ? { ok: true } : { ok: false, reason: 'no space left' },
    say: () => undefined,
  };
  return { probes, done };
}

describe('the search for a Temporal server', () => {
  it('takes the one on PATH first', async () => {
    const { probes, done } = describeMachine({
      onPath: '/bin/temporal',
      programs: { '/bin/temporal': true, [CACHED]: true },
    });
    assert.equal(await findTemporalExecutable(probes), '/bin/temporal');
    assert.deepEqual(done, []);
  });

  it('looks further when the one on PATH does not run', async () => {
    const { probes } = describeMachine({
      onPath: '/bin/temporal',
      programs: { '/bin/temporal': false, [CACHED]: true },
    });
    assert.equal(await findTemporalExecutable(probes), CACHED);
  });

  it('takes the cached one before it downloads', async () => {
    const { probes, done } = describeMachine({ programs: { [CACHED]: true }, canDownload: true });
    assert.equal(await findTemporalExecutable(probes), CACHED);
    assert.deepEqual(done, []);
  });

  it('removes a broken cached one and fetches it anew', async () => {
    const { probes, done } = describeMachine({ programs: { [CACHED]: false }, canDownload: true });
    assert.equal(await findTemporalExecutable(probes), CACHED);
    assert.deepEqual(done, [`remove ${CACHED}`, 'download']);
  });

  it('builds it where it cannot be downloaded', async () => {
    const { probes, done } = describeMachine({ hasGo: true, builds: true });
    assert.equal(await findTemporalExecutable(probes), CACHED);
    assert.deepEqual(done, ['download', 'build']);
  });

  it('says what to install where there is no Go either', async () => {
    const { probes, done } = describeMachine({});
    await assert.rejects(findTemporalExecutable(probes), /no Temporal server.*Go.*TEMPORAL_ADDRESS/);
    assert.deepEqual(done, ['download']);
  });

  it('shows why the build failed', async () => {
    const { probes } = describeMachine({ hasGo: true, builds: false });
    await assert.rejects(findTemporalExecutable(probes), /no space left/);
  });
});
