import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createLog } from '../../src/log.ts';
import { createMedia, type MediaConfig, type Watch } from '../../src/media/index.ts';

/** One line of the log, parsed. */
export type LogLine = Record<string, unknown> & { tool?: string; argv?: string[]; msg: string };

export const MEDIA_CONFIG: MediaConfig = {
  FFMPEG_PATH: 'ffmpeg',
  FFPROBE_PATH: 'ffprobe',
  MAX_DURATION_SEC: 6 * 3600,
  MAX_WIDTH: 8192,
  MAX_HEIGHT: 8192,
};

/** Gives a log that keeps its lines. */
export function keepingLog() {
  const lines: LogLine[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { log: createLog({ level: 'info', program: 'test' }, destination), lines };
}

/** Gives the real adapter together with what it logs. */
export function mediaUnderTest(config: Partial<MediaConfig> = {}) {
  const { log, lines } = keepingLog();
  return { media: createMedia({ config: { ...MEDIA_CONFIG, ...config }, log }), lines };
}

/** Gives a watch that nobody aborts, and the percentages it was told. */
export function quietWatch(
  signal: AbortSignal = new AbortController().signal,
): Watch & { percents: number[] } {
  const percents: number[] = [];
  return { signal, percents, onProgress: (percent) => percents.push(percent) };
}

/** Lends an empty folder. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `videoflow-media-${randomUUID().slice(0, 8)}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits until a condition holds. @throws when it does not in time */
export async function until(condition: () => boolean | Promise<boolean>, deadlineMs: number): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`The condition did not hold within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
