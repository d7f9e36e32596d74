import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SAMPLE_RATE = 16_000;

/** What is in a file of sound, from its first sample on. */
export interface Heard {
  durationSec: number;
  /** How loud a stretch is on average, in dBFS; -200 where there is nothing at all. */
  loudnessDb(fromSec: number, toSec: number): number;
  /** When something louder than this is heard first from a time on; null when nothing is. */
  firstAbove(db: number, fromSec?: number): number | null;
}

/** Decodes the first sound track of a file with nothing in between. @throws when it cannot be decoded whole */
export async function listenTo(path: string): Promise<Heard> {
  const raw = ['-f', 's16le', '-ar', String(SAMPLE_RATE), '-ac', '1', 'pipe:1'];
  const { stdout, stderr } = await run(
    'ffmpeg',
    ['-v', 'error', '-xerror', '-i', path, '-map', '0:a:0', ...raw],
    {
      encoding: 'buffer',
      maxBuffer: 512 * 1024 * 1024,
    },
  );
  if (stderr.length > 0) throw new Error(`ffmpeg complained about ${path}: ${stderr}`);
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, Math.floor(stdout.length / 2));
  return hear(samples);
}

const at = (sec: number): number => Math.max(0, Math.round(sec * SAMPLE_RATE));

function hear(samples: Int16Array): Heard {
  const loudnessDb = (fromSec: number, toSec: number): number => {
    const part = samples.subarray(at(fromSec), at(toSec));
    let squares = 0;
    for (const sample of part) squares += sample * sample;
    return squares === 0 ? -200 : 10 * Math.log10(squares / part.length / 32_768 ** 2);
  };
  return {
    durationSec: samples.length / SAMPLE_RATE,
    loudnessDb,
    firstAbove(db, fromSec = 0) {
      const least = 32_768 * 10 ** (db / 20);
      const index = samples.subarray(at(fromSec)).findIndex((sample) => Math.abs(sample) > least);
      return index < 0 ? null : (at(fromSec) + index) / SAMPLE_RATE;
    },
  };
}
