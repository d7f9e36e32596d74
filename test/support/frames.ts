import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One decoded picture of a video. */
export interface Frame {
  /** When it is shown, counted from where a player begins. */
  timeSec: number;
  /** The same for the same pixels. */
  hash: string;
  /** Planar 4:2:0, 8 bit, unturned. */
  pixels: Buffer;
}

export interface DecodedVideo {
  frames: Frame[];
  width: number;
  height: number;
  /** What the decoder complained about; empty when nothing. */
  complaints: string;
}

/** When a file begins on its own line: a command that reads one track only would begin with that. */
async function beginSec(path: string): Promise<number> {
  const entries = ['-show_entries', 'format=start_time', '-of', 'csv=p=0'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, path]);
  return Number(stdout) || 0;
}

async function collect(args: string[]): Promise<{ stdout: Buffer; stderr: string }> {
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);
  const chunks: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  return { stdout: Buffer.concat(chunks), stderr };
}

/** Decodes every frame of the video track: its time and its pixels. For small videos. */
export async function decodeFrames(path: string): Promise<DecodedVideo> {
  const listPath = join(tmpdir(), `videoflow-frames-${randomUUID()}.txt`);
  const each = ['-map', '0:v:0', '-fps_mode', 'passthrough', '-enc_time_base', '-1'];
  try {
    const startSec = await beginSec(path);
    const { stdout, stderr } = await collect([
      '-copyts',
      '-noautorotate',
      ...['-i', path],
      ...[...each, '-pix_fmt', 'yuv420p', '-f', 'rawvideo', 'pipe:1'],
      ...[...each, '-pix_fmt', 'yuv420p', '-f', 'framecrc', listPath],
    ]);
    const list = await readFile(listPath, 'utf8');
    const [, numerator = 0, denominator = 1] = (/^#tb 0: (\d+)\/(\d+)/m.exec(list) ?? []).map(Number);
    const [, width = 0, height = 0] = (/^#dimensions 0: (\d+)x(\d+)/m.exec(list) ?? []).map(Number);
    const rows = list.split('\n').filter((line) => /^\d/.test(line));
    const frames = rows.map((row, at) => {
      const columns = row.split(',').map((text) => text.trim());
      const size = Number(columns[4]);
      const pixels = stdout.subarray(at * size, (at + 1) * size);
      return {
        timeSec: (Number(columns[2]) * numerator) / denominator - startSec,
        hash: createHash('sha1').update(pixels).digest('hex'),
        pixels,
      };
    });
    return { frames, width, height, complaints: stderr };
  } finally {
    await rm(listPath, { force: true });
  }
}

/** Counts the pictures a file holds, those that its edit list hides among them. */
export async function countPackets(path: string): Promise<number> {
  const entries = ['-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0'];
  const only = ['-ignore_editlist', '1', '-select_streams', 'v:0'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...only, ...entries, path]);
  return Number.parseInt(stdout, 10);
}

/** How alike the brightness of two frames of one size is: PSNR in decibels; 100 when they are the same. */
export function psnrDb(
  one: Frame,
  other: Frame,
  { width, height }: { width: number; height: number },
): number {
  let sum = 0;
  const count = width * height;
  for (let at = 0; at < count; at++) {
    const difference = (one.pixels[at] ?? 0) - (other.pixels[at] ?? 0);
    sum += difference * difference;
  }
  return sum === 0 ? 100 : 10 * Math.log10((255 * 255 * count) / sum);
}

/** Decodes one audio track to mono samples at 8 kHz, from where a player begins; silence where there is none. */
export async function decodeSound(path: string, track = 0): Promise<Float32Array> {
  const { stdout } = await collect([
    ...['-i', path, '-map', `0:a:${track}`, '-af', 'aresample=8000:async=1:min_hard_comp=0.01:first_pts=0'],
    ...['-ac', '1', '-f', 'f32le', 'pipe:1'],
  ]);
  return new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + (stdout.length & ~3)));
}

export const SOUND_RATE = 8000;

/**
 * Finds by how much a sound comes late in another one, by cross-correlation.
 *
 * @param expectedSec where `part` should begin within `whole`
 * @returns seconds it comes later than expected, negative for earlier, within `searchSec`
 */
export function soundOffsetSec(
  whole: Float32Array,
  part: Float32Array,
  expectedSec: number,
  searchSec = 0.15,
): number {
  const expected = Math.round(expectedSec * SOUND_RATE);
  const search = Math.round(searchSec * SOUND_RATE);
  // The very beginning may lack what the codec carries over from the packet before.
  const skip = Math.min(Math.round(0.05 * SOUND_RATE), part.length >> 2);
  const length = Math.min(part.length - 2 * skip, 2 * SOUND_RATE);
  let best = { score: Number.NEGATIVE_INFINITY, shift: 0 };
  for (let shift = -search; shift <= search; shift++) {
    let [product, energy] = [0, 1e-9];
    for (let at = skip; at < skip + length; at++) {
      const sample = whole[expected + shift + at] ?? 0;
      product += sample * (part[at] ?? 0);
      energy += sample * sample;
    }
    const score = product / Math.sqrt(energy);
    if (score > best.score) best = { score, shift };
  }
  // Found later in the source than expected: what was cut away at the front is missing there, so it comes early.
  return -best.shift / SOUND_RATE;
}
