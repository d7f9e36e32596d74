import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawnTied } from './spawnTied.ts';

/** A program that is built from a pinned Go module of ours, its go.sum beside it. */
export interface GoProgram {
  /** The folder with the go.mod. */
  moduleDir: string;
  goPackage: string;
  /** Where the executable goes. */
  target: string;
}

export type Built = { ok: true } | { ok: false; reason: string };

/** Where programs are kept that are fetched or built once for a user: a checkout is thrown away more often. */
export const programCache = (env: Record<string, string | undefined>): string =>
  join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'videoflow');

/** Tells whether programs can be built here. */
export const hasGo = (): boolean => spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;

/** Builds a program, whole or not at all; gives the last lines of the compiler when it fails. */
export async function buildGoProgram({ moduleDir, goPackage, target }: GoProgram): Promise<Built> {
  mkdirSync(dirname(target), { recursive: true });
  const draft = `${target}.build-${process.pid}`;
  try {
    const child = await spawnTied({
      command: 'go',
      args: ['build', '-trimpath', '-ldflags', '-s -w', '-o', draft, goPackage],
      onParentDeath: 'KILL',
      cwd: moduleDir,
      env: process.env,
    });
    const { code, tail } = await runToEnd(child);
    if (code !== 0) return { ok: false, reason: tail };
    renameSync(draft, target);
    return { ok: true };
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Runs a program to its end, or to the end of its time; gives its code and the last of what it printed. */
export async function runToEnd(
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
