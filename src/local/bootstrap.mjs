// The first file of `npm start`, `npm test` and `npm run fakes`. It runs on whatever Node the machine has (20 or
// newer), so it uses nothing but Node's own modules and plain JavaScript: it installs the dependencies when they are
// missing, finds Node 24 and hands over to the command's own file under it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The commands' own files by the word after `bootstrap.mjs`. */
const COMMANDS = new Map([
  ['start', 'src/local/start.ts'],
  ['test', 'src/local/test.ts'],
  ['fakes', 'test/support/fakes/main.ts'],
]);

const PARENT_CHECK_MS = 1000;

/**
 * Tells whether a Node of this version can run the sources: 24 and 25 can; older ones do not strip types,
 * 26 leaks its global `Temporal` into workflows.
 *
 * @param {string} version as in `process.versions.node`
 * @returns {boolean}
 */
export function isSuitableNode(version) {
  const major = Number(version.split('.')[0]);
  return major >= 24 && major < 26;
}

/**
 * Decides whether the dependencies must be installed. npm writes `node_modules/.package-lock.json` last, so
 * without it an installation never ended. A lock file that is newer counts only when its content changed too:
 * a checkout touches files it does not change.
 *
 * @param {{ lockHash: string, lockTimeMs: number, installedTimeMs: number | undefined, stamp: string | undefined }} facts
 * @returns {boolean}
 */
export function needsInstall({ lockHash, lockTimeMs, installedTimeMs, stamp }) {
  if (installedTimeMs === undefined) return true;
  return lockTimeMs > installedTimeMs && stamp !== lockHash;
}

/**
 * Looks at what is installed in a checkout.
 *
 * @param {string} root
 * @returns {{ lockHash: string, lockTimeMs: number, installedTimeMs: number | undefined, stamp: string | undefined }}
 */
export function inspectInstallation(root) {
  const lock = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules', '.package-lock.json');
  const stamp = stampFile(root);
  return {
    lockHash: createHash('sha256').update(readFileSync(lock)).digest('hex'),
    lockTimeMs: statSync(lock).mtimeMs,
    installedTimeMs: existsSync(installed) ? statSync(installed).mtimeMs : undefined,
    stamp: existsSync(stamp) ? readFileSync(stamp, 'utf8').trim() : undefined,
  };
}

/** @param {string} root */
const stampFile = (root) => join(root, 'node_modules', '.videoflow-lock-hash');

/** @param {string} line */
const say = (line) => process.stdout.write(`${line}\n`);

/**
 * @param {string} line
 * @returns {never}
 */
function refuse(line) {
  process.stderr.write(`\n${line}\n`);
  process.exit(1);
}

/** @param {string} root */
function installDependencies(root) {
  const facts = inspectInstallation(root);
  if (!needsInstall(facts)) return;
  say('Installing the dependencies (npm ci), this takes a minute or two …');
  // NODE_ENV=production would leave the type checker and the tests' tools out: one checkout serves both commands.
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  if (error || status !== 0) {
    refuse('The dependencies could not be installed: see the lines of npm above, then start again.');
  }
  writeFileSync(stampFile(root), `${facts.lockHash}\n`);
}

/**
 * Gives the Node to run the sources with.
 *
 * @param {string} root
 * @returns {string}
 */
function findNode(root) {
  if (isSuitableNode(process.versions.node)) return process.execPath;
  const installed = join(root, 'node_modules', 'node', 'bin', 'node');
  const { status, stdout } = spawnSync(installed, ['--version'], { encoding: 'utf8' });
  if (status !== 0 || !isSuitableNode(stdout.trim().slice(1))) {
    refuse(
      `Node 24 is needed, this is ${process.version}, and the npm package "node" that brings it is not usable ` +
        '(are install scripts switched off?). Install Node 24 and start again.',
    );
  }
  say(`Node: using ${stdout.trim()} of the npm package "node" (the system's is ${process.version})`);
  return installed;
}

/**
 * Runs the command under that Node with it first on PATH, passes signals on and ends as it ends.
 *
 * @param {{ node: string, root: string, script: string, args: string[] }} run
 */
function handOver({ node, root, script, args }) {
  const child = spawn(node, [join(root, script), ...args], {
    cwd: root,
    // The fourth channel closes when this process dies by any death: the child then stops by itself.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` },
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  stopWithNpm(() => child.kill('SIGTERM'));
  child.on('error', (error) => refuse(`Node could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1));
  });
}

/**
 * Gives what tells that npm is still our ancestor: our parent, and behind the shell between us npm itself where it
 * can be seen. When npm is killed with SIGKILL nobody tells its script; another ancestor shows it.
 *
 * @returns {string}
 */
function readAncestors() {
  try {
    const [shell = '', grandparent = ''] = readParent(process.ppid);
    if (shell.endsWith('sh')) return `${process.ppid} ${grandparent}`;
  } catch {
    // No /proc on this system.
  }
  return String(process.ppid);
}

/**
 * Reads a process' name and its parent's pid from /proc.
 *
 * @param {number} pid
 */
function readParent(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const end = stat.lastIndexOf(')');
  return [stat.slice(stat.indexOf('(') + 1, end), stat.slice(end + 2).split(' ')[1]];
}

/** @param {() => void} stop */
function stopWithNpm(stop) {
  if (!process.env.npm_lifecycle_event) return;
  const ancestors = readAncestors();
  const timer = setInterval(() => {
    if (readAncestors() === ancestors) return;
    clearInterval(timer);
    stop();
  }, PARENT_CHECK_MS);
  timer.unref();
}

function main() {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
  const [command = '', ...args] = process.argv.slice(2);
  const script = COMMANDS.get(command);
  if (!script) {
    refuse(
      'Usage: npm start [-- --verbose] | npm test [-- files or mocha options] | npm run fakes [-- port]',
    );
  }
  if (Number(process.versions.node.split('.')[0]) < 20) {
    refuse(`Node 20 or newer is needed to begin, this is ${process.version}.`);
  }
  installDependencies(root);
  handOver({ node: findNode(root), root, script, args });
}

// `import.meta.main` came after Node 20.
if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
