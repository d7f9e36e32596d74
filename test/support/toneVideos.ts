import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixtureFolder, makeOnce } from './fixtureCache.ts';
import { makeMedia } from './mediaFixtures.ts';

/** Videos in which one tone after the other is heard, each of its own height: by that the fake tells them apart. */
export interface ToneVideo {
  count: number;
  /** From the beginning of one tone to that of the next. */
  everySec: number;
  toneSec: number;
  /** Before the first one. */
  leadSec: number;
  fps: number;
  /** Between key frames. */
  gop: number;
  size: string;
  extension: 'mp4' | 'webm';
  /** In MP4; FLAC is made in no time, which counts for long ones. */
  sound: 'aac' | 'flac';
}

export const FIRST_HZ = 300;
export const STEP_HZ = 60;

const VERSION = 1;
const FOLDER = fixtureFolder(`tones-${VERSION}`);
const SAMPLE_RATE = 8000;
const USUAL: ToneVideo = {
  ...{ count: 5, everySec: 3, toneSec: 1.5, leadSec: 0.5 },
  ...{ fps: 25, gop: 25, size: '160x120', extension: 'mp4', sound: 'aac' },
};

/** Gives such a video, made once. Do not write to it. */
export function toneVideo(wanted: Partial<ToneVideo> = {}): Promise<string> {
  const video = { ...USUAL, ...wanted };
  const name = createHash('sha256').update(JSON.stringify(video)).digest('hex').slice(0, 16);
  return makeOnce(join(FOLDER, `${name}.${video.extension}`), (path) => make(path, video));
}

async function make(path: string, video: ToneVideo): Promise<void> {
  const samplesPath = `${path}.pcm`;
  const picture = `testsrc2=s=${video.size}:r=${video.fps}:d=${video.count * video.everySec}`;
  const samples = ['-f', 's16le', '-ar', String(SAMPLE_RATE), '-ac', '1', '-i', samplesPath];
  try {
    await writeFile(samplesPath, toneSamples(video));
    await makeMedia('-f', 'lavfi', '-i', picture, ...samples, ...codecsOf(video), path);
  } finally {
    await rm(samplesPath, { force: true });
  }
}

function codecsOf({ extension, sound, gop }: ToneVideo): string[] {
  const keys = ['-g', String(gop)];
  if (extension === 'webm')
    return [...['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus'], ...keys];
  const picture = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
  // FLAC in MP4 counts as experimental.
  return [...picture, ...keys, '-c:a', sound, '-strict', '-2', '-movflags', '+faststart'];
}

/** Of such a length ffmpeg's own sources take twenty seconds, and this takes one. */
function toneSamples({ count, everySec, toneSec, leadSec }: ToneVideo): Buffer {
  const samples = new Int16Array(Math.round(count * everySec * SAMPLE_RATE));
  for (let tone = 0; tone < count; tone++) {
    const step = (2 * Math.PI * (FIRST_HZ + STEP_HZ * tone)) / SAMPLE_RATE;
    const from = Math.round((leadSec + tone * everySec) * SAMPLE_RATE);
    for (let at = 0; at < toneSec * SAMPLE_RATE; at++) samples[from + at] = Math.sin(at * step) * 12_000;
  }
  return Buffer.from(samples.buffer);
}
