import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initdbArguments, type PreparedPostgres, preparePostgres } from '../../src/local/postgres.ts';
import { clearPostmasterFile } from '../../src/local/postgresLeftover.ts';
import { runAdminStatement } from '../../src/local/templateDatabase.ts';
import { waitFor } from '../support/stack.ts';

describe('what a killed Postgres leaves behind', () => {
  let folder: string;
  let file: string;
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pg-'));
    file = join(folder, 'postmaster.pid');
    said.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is a pid file to remove when the number is another program by now', async () => {
    writeFileSync(file, `${process.pid}\n${folder}\n`);
    await clearPostmasterFile(folder, say);
    assert.equal(existsSync(file), false);
  });

  it('is left to Postgres when the process is gone', async () => {
    writeFileSync(file, `${2 ** 30}\n${folder}\n`);
    await clearPostmasterFile(folder, say);
    assert.equal(existsSync(file), true);
  });

  it('is nothing when there is no file', async () => {
    await clearPostmasterFile(folder, say);
    assert.deepEqual(said, []);
  });
});

describe('the embedded Postgres', () => {
  let folder: string;
  const said: string[] = [];
  const running: ChildProcess[] = [];

  const prepare = () =>
    preparePostgres({
      dataDir: folder,
      logFile: join(folder, 'postgres.log'),
      pinnedPort: undefined,
      isThrowAway: true,
      say: (line) => void said.push(line),
      show: () => undefined,
    });

  /** Starts it as nobody's child part: what a supervisor that was killed leaves behind. */
  const launch = async ({ url, part }: PreparedPostgres) => {
    const child = await part.launch();
    running.push(child);
    await part.waitUntilReady?.(child, new AbortController().signal);
    await runAdminStatement(url, 'SELECT 1');
    return child;
  };

  before(() => {
    folder = mkdtempSync(join(process.env.TEST_RUN_DIR ?? tmpdir(), 'embedded-'));
    chmodSync(folder, 0o711);
  });
  beforeEach(() => {
    said.length = 0;
  });
  after(async () => {
    for (const child of running.filter(({ exitCode, signalCode }) => exitCode === null && !signalCode)) {
      child.kill('SIGQUIT');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('is brought to the disk before it is used, unless it is thrown away', () => {
    assert.equal(initdbArguments('x', false).includes('--no-sync'), false);
    assert.equal(initdbArguments('x', true).includes('--no-sync'), true);
  });

  it('is made once and stops one that a former run left running', async () => {
    const first = await prepare();
    await launch(first);
    await runAdminStatement(first.url, 'CREATE TABLE kept (id int)');
    const second = await prepare();
    assert.match(said.join('\n'), /a server of a former run .* is still there/);
    assert.equal(new URL(second.url).password, new URL(first.url).password);
    await launch(second);
    await runAdminStatement(second.url, 'SELECT * FROM kept');
  });

  it('starts again after SIGKILL', async () => {
    const child = running.at(-1);
    child?.kill('SIGKILL');
    await launch(await prepare());
  });

  it('gets a new password when the old one is lost, and keeps its data', async () => {
    running.at(-1)?.kill('SIGINT');
    rmSync(join(folder, 'postgres.json'));
    const prepared = await prepare();
    await launch(prepared);
    await runAdminStatement(prepared.url, 'SELECT * FROM kept');
  });

  it('begins anew where its making was cut off', async () => {
    running.at(-1)?.kill('SIGINT');
    await prepare();
    renameSync(join(folder, 'postgres'), join(folder, 'postgres.new'));
    rmSync(join(folder, 'postgres.new', 'PG_VERSION'));
    await launch(await prepare());
  });

  it('keeps the values of refused statements out of its log', async () => {
    running.at(-1)?.kill('SIGINT');
    const { url, part } = await prepare();
    await launch({ url, part });
    await assert.rejects(runAdminStatement(url, `SELECT 'canary of a row', 1/0`));
    const readLog = () => readFileSync(join(folder, 'postgres.log'), 'utf8');
    await waitFor(() => /division by zero/.test(readLog()), { what: 'the refusal in the log' });
    await runAdminStatement(url, 'SELECT 1');
    assert.doesNotMatch(readLog(), /canary of a row/);
  });

  it('is closed to other machines and to a wrong password', async () => {
    const prepared = await prepare();
    await launch(prepared);
    const { url } = prepared;
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await assert.rejects(runAdminStatement(wrong.href, 'SELECT 1'), /password authentication failed/);
    await assert.rejects(
      runAdminStatement(url, `DO $$ BEGIN ASSERT current_setting('listen_addresses') <> '127.0.0.1'; END $$`),
      /assertion failed/,
    );
  });
});
