import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnTied } from './spawnTied.ts';
import { TEMPORAL_VERSION, type TemporalProbes } from './temporalExecutable.ts';

const VERSION_CHECK_MS = 20_000;
const DOWNLOAD_LIMIT_MS = 180_000;
const GO_MODULE = fileURLToPath(new URL('./temporal/', import.meta.url));
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal';

/** The search for a Temporal server on the real machine. */
export function createTemporalProbes(options: {
  env: Record<string, string | undefined>;
  say(line: string): void;
}): TemporalProbes {
  const { env, say } = options;
  const cacheDir = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'videoflow');
  const cachedPath = join(cacheDir, `temporal-${TEMPORAL_VERSION}`);
  return {
    cachedPath,
    findOnPath: () => findOnPath('temporal', env.PATH ?? ''),
    exists: existsSync,
    readVersion,
    remove: (path) => rmSync(path, { force: true }),
    download: () => download(cacheDir, cachedPath),
    hasGo: () => spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0,
    build: () => build(cacheDir, cachedPath),
    say,
  };
}

function findOnPath(program: string, path: string): string | undefined {
  const candidates = path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, program));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function readVersion(path: string): string | undefined {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: VERSION_CHECK_MS });
  const line = status === 0 ? (stdout.split('\n')[0] ?? '') : '';
  return line.startsWith('temporal version') ? line : undefined;
}

/** Runs a program to its end, or to the end of its time; gives its code and the last of what it printed. */
async function runToEnd(
  child: ChildProcess,
  limitMs?: number,
): Promise<{ code: number | null; tail: string }> {
  let tail = '';
  const keep = (chunk: Buffer) => {
    tail = (tail + chunk.toString('utf8')).slice(-2000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const timer = limitMs ? setTimeout(() => child.kill('SIGKILL'), limitMs) : undefined;
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, tail: tail.trim() };
}

/**
 * The SDK's own download, in a process of its own so that a network that swallows packets cannot hold us. The SDK
 * names the file after itself and starts the server once; what counts is the file.
 */
async function download(cacheDir: string, cachedPath: string): Promise<boolean> {
  const folder = join(cacheDir, `download.${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const script = fileURLToPath(new URL('./downloadTemporal.ts', import.meta.url));
    const child = spawn(process.execPath, [script, folder, `v${TEMPORAL_VERSION}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await runToEnd(child, DOWNLOAD_LIMIT_MS);
    const [file] = readdirSync(folder).filter((name) => /^temporal.*\d$/.test(name));
    if (!file) return false;
    chmodSync(join(folder, file), 0o755);
    renameSync(join(folder, file), cachedPath);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(cacheDir: string, cachedPath: string): ReturnType<TemporalProbes['build']> {
  mkdirSync(cacheDir, { recursive: true });
  const draft = `${cachedPath}.build-${process.pid}`;
  try {
    const child = await spawnTied({
      command: 'go',
      args: ['build', '-trimpath', '-ldflags', '-s -w', '-o', draft, GO_PACKAGE],
      onParentDeath: 'KILL',
      cwd: GO_MODULE,
      env: process.env,
    });
    const { code, tail } = await runToEnd(child);
    if (code !== 0) return { ok: false, reason: tail };
    renameSync(draft, cachedPath);
    return { ok: true };
  } finally {
    rmSync(draft, { force: true });
  }
}
