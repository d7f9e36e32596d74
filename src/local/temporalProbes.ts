import { spawn, spawnSync } from 'node:child_process';
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
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoProgram, hasGo, programCache, runToEnd } from './goProgram.ts';
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
  const cacheDir = programCache(env);
  const cachedPath = join(cacheDir, `temporal-${TEMPORAL_VERSION}`);
  return {
    cachedPath,
    findOnPath: () => findOnPath('temporal', env.PATH ?? ''),
    exists: existsSync,
    readVersion,
    remove: (path) => rmSync(path, { force: true }),
    download: () => download(cacheDir, cachedPath),
    hasGo,
    build: () => buildGoProgram({ moduleDir: GO_MODULE, goPackage: GO_PACKAGE, target: cachedPath }),
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
