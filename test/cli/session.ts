import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { run } from '../../src/cli/run.ts';
import { seededBytes } from '../support/seededBytes.ts';

/** A person's home and folder, and what the command wrote. */
export interface Place {
  dir: string;
  env: Record<string, string>;
  /** Writes a file of seeded bytes and gives its path. */
  writeBytes(name: string, length: number, seed?: number): Promise<string>;
  /** Runs the command line in this very process. */
  run(args: string[], options?: { signal?: AbortSignal }): Promise<CommandEnd>;
  remove(): Promise<void>;
}

/** One line of `videoflow upload --json`. */
export interface FileLine {
  file: string;
  state: string;
  video_id: string | null;
  upload_id: string | null;
  size_bytes: number | null;
  resumed_from_bytes: number;
  sent_bytes: number;
  error: { code: string; message: string } | null;
}

export interface CommandEnd {
  code: number;
  stdout: string;
  stderr: string;
  /** The lines of `--json`. */
  lines: FileLine[];
}

/** Makes an empty home of its own; nothing of this machine's user is seen or touched. */
export async function makePlace(env: Record<string, string> = {}): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'vf-cli-'));
  return {
    dir,
    env,
    writeBytes: async (name, length, seed = 1) => {
      const path = join(dir, name);
      await writeFile(path, seededBytes(seed, length));
      return path;
    },
    run: async (args, { signal = new AbortController().signal } = {}) => {
      const stdout = memory();
      const stderr = memory();
      const code = await run(args, {
        env,
        cwd: dir,
        homeDir: dir,
        stdout: stdout.stream,
        stderr: stderr.stream,
        signal,
        version: '0.0.0-test',
      });
      return { code, stdout: stdout.text(), stderr: stderr.text(), lines: readLines(stdout.text()) };
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

function memory() {
  let written = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written += String(chunk);
      done();
    },
  });
  return { stream, text: () => written };
}

/** Gives the lines of `--json` in what was written. */
export const readLines = (text: string): FileLine[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
