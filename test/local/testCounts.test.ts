import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const checks = new URL('../../src/local/checks.ts', import.meta.url).href;

const PASSES = `it('passes', () => {});`;
const takes = (ms: number) =>
  `it('takes its time', () => new Promise((resolve) => setTimeout(resolve, ${ms})));`;
const throwsAfter = (ms: number, how: string) =>
  `${PASSES} after(() => { setTimeout(() => { ${how} }, ${ms}); });`;

describe('what a test run counts', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vf-counts-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Runs such files, in lanes, as `npm test` does; gives the counts and everything that was said. */
  async function runFiles(contents: Record<string, string>) {
    for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content);
    const names = Object.keys(contents).map((name) => relative(root, join(folder, name)));
    const args = ['--parallel', '--jobs', '2', ...names];
    const options = `{ root: ${JSON.stringify(root)}, env: process.env, say: console.log,
      signal: new AbortController().signal }`;
    const countsFile = join(folder, 'counts.json');
    const script = `import { runTests } from ${JSON.stringify(checks)};
      const counts = await runTests(${JSON.stringify(args)}, ${JSON.stringify(countsFile)}, ${options});
      console.log('\\n' + JSON.stringify(counts));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    return { counts: JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''), said: stdout };
  }

  it('is what passed and failed, in tests and after the last of them', async () => {
    const { counts, said } = await runFiles({
      'fails.test.ts': `it('fails', () => { throw new Error('expected'); }); it('waits');`,
      'exception.test.ts': throwsAfter(20, `throw new Error('too late')`),
      'rejection.test.ts': throwsAfter(20, `Promise.reject(new Error('too late'))`),
    });
    assert.deepEqual(counts, { passed: 2, failed: 3, skipped: 1 }, said);
    for (const name of ['exception', 'rejection'])
      assert.match(said, new RegExp(`the tests of \\S*${name}\\.test\\.ts were over: Error: too late`));
  });

  it('holds an error that is thrown when its lane has no file any more, and every pass', async () => {
    const { counts, said } = await runFiles({
      'late.test.ts': throwsAfter(500, `throw new Error('too late')`),
      'busy.test.ts': takes(1500),
    });
    assert.deepEqual(counts, { passed: 2, failed: 1, skipped: 0 }, said);
    assert.match(said, /Thrown when the tests of \S*late\.test\.ts were over: Error: too late/);
  });

  it('has the test fail that runs when an error comes of the file before it', async () => {
    const { counts, said } = await runFiles({
      'busy.test.ts': takes(2500),
      'late.test.ts': `${PASSES} after(() => {
        const watch = setInterval(() => {
          if (!globalThis.isNextRunning) return;
          clearInterval(watch);
          throw new Error('too late');
        }, 10);
      });`,
      'next.test.ts': `it('waits', () => { globalThis.isNextRunning = true; return new Promise(() => {}); });`,
    });
    assert.deepEqual(counts, { passed: 2, failed: 1, skipped: 0 }, said);
    assert.match(said, /1\) waits:\s+Error: too late/);
  });

  it('keeps what had passed when the run breaks off, and says what nothing was heard of', async () => {
    const { counts, said } = await runFiles({
      'a.test.ts': PASSES,
      'b.test.ts': `it('ends the run', (done) => { setTimeout(() => process.kill(process.ppid, 'SIGKILL'), 1500); });`,
      'c.test.ts': takes(20_000),
    });
    assert.deepEqual(counts, { passed: 1, failed: 1, skipped: 0 }, said);
    assert.match(said, /broke off .* the last heard of being \S*a\.test\.ts/);
    assert.match(said, /Nothing was heard of:\n\s+\S*b\.test\.ts\n\s+\S*c\.test\.ts/);
  });
});
