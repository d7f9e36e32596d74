import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readVersion } from '../../src/cli/run.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { videoBytes } from '../support/uploading.ts';
import { readLines } from './session.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What npm says when there is no way to the registry. */
const NO_REGISTRY =
  /\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|FETCH_ERROR)\b/;

/** How this machine reaches it. The rest of what npm tells its scripts is about this checkout. */
const TO_REGISTRY =
  /^(npm_config_(registry|cache|userconfig|proxy|https_proxy|noproxy|cafile)|(https?|no)_proxy|NODE_EXTRA_CA_CERTS)$/i;

const pick = (env: NodeJS.ProcessEnv, names: RegExp) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => names.test(name)));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Packs this checkout, installs what comes out in an empty folder, and uses it there as anybody would. */
describe('the packed command', function () {
  this.timeout(240_000);
  let dir: string;
  let folder: string;
  let tarball: string;

  /** Runs a program under this Node, with little else of the test's environment. */
  const call = (program: string, args: string[], options: { cwd: string; env?: Record<string, string> }) =>
    new Promise<Ended>((resolve) => {
      const env = {
        ...pick(process.env, TO_REGISTRY),
        HOME: process.env.HOME,
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        ...options.env,
      };
      execFile(program, args, { cwd: options.cwd, env, encoding: 'utf8' }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
    });

  before(async function () {
    dir = await mkdtemp(join(tmpdir(), 'vf-package-'));
    folder = join(dir, 'empty');
    await mkdir(folder);
    const packed = await call('npm', ['pack', '--pack-destination', dir], { cwd: ROOT });
    assert.equal(packed.code, 0, packed.stderr);
    tarball = join(
      dir,
      (await readdir(dir)).find((name) => name.endsWith('.tgz')) ?? assert.fail('no tarball'),
    );
    // Without scripts no Node is downloaded once more, and nothing of the server is built.
    const quickly = ['--ignore-scripts', '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund'];
    const installed = await call('npm', ['install', ...quickly, '--fetch-retries=0', tarball], {
      cwd: folder,
    });
    if (installed.code !== 0 && NO_REGISTRY.test(installed.stderr)) {
      const suite = this.test?.parent;
      if (suite) suite.title += ' (left out: the registry of its dependencies cannot be reached)';
      process.stdout.write(`    ${suite?.title}\n`);
      this.skip();
    }
    assert.equal(installed.code, 0, installed.stderr);
  });

  after(() => rm(dir, { recursive: true, force: true }));

  it('holds the command as plain JavaScript, and nothing of the server', () => {
    const { stdout } = spawnSync('tar', ['-tzf', tarball], { encoding: 'utf8' });
    const names = stdout
      .trim()
      .split('\n')
      .map((name) => name.replace('package/', ''));
    const [own, rest] = [
      names.filter((name) => name.startsWith('dist/')),
      names.filter((name) => !name.startsWith('dist/')),
    ];
    assert.deepEqual(rest.sort(), ['README.md', 'bin/videoflow.js', 'package.json']);
    assert.ok(own.includes('dist/cli/main.js'));
    assert.deepEqual(
      own.filter((name) => !/^dist\/(cli\/.*|domain\/[^/]*|errors)\.js$/.test(name)),
      [],
    );
  });

  it('shows its version', async () => {
    const { code, stdout, stderr } = await call('npx', ['videoflow', '--version'], { cwd: folder });
    assert.deepEqual([code, stdout], [0, `${readVersion()}\n`], stderr);
  });

  describe('with a server', () => {
    let api: TestApi;
    before(async () => {
      api = await startApi();
    });
    after(() => api.close());

    it('uploads a file', async () => {
      const user = await api.makeUser();
      await writeFile(join(folder, 'film.mp4'), videoBytes(3_000_000));
      const { code, stdout, stderr } = await call('npx', ['videoflow', 'upload', '--json', 'film.mp4'], {
        cwd: folder,
        env: { VIDEOFLOW_URL: api.url, VIDEOFLOW_TOKEN: user.token, XDG_STATE_HOME: dir },
      });
      assert.equal(code, 0, stderr);
      const [row] = await api.sql('select id, video_id as "videoId", state from uploads where user_id = $1', [
        user.id,
      ]);
      assert.equal(row.state, 'complete');
      const [line] = readLines(stdout);
      assert.deepEqual([line?.state, line?.upload_id, line?.video_id], ['uploaded', row.id, row.videoId]);
    });
  });
});
