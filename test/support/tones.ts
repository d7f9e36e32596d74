import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMedia } from './mediaFixtures.ts';

/** A tone within silence, in seconds. */
export interface Tone {
  fromSec: number;
  toSec: number;
  hz: number;
}

const ENCODERS = {
  ogg: ['-c:a', 'libopus', '-b:a', '24k'],
  mp3: ['-c:a', 'libmp3lame', '-b:a', '48k'],
  m4a: ['-c:a', 'aac', '-b:a', '48k'],
  wav: ['-c:a', 'pcm_s16le'],
};

/** Makes a sound file that is silent but for some tones: what the fake of transcriptions hears is known. */
export async function makeTones(
  tones: Tone[],
  durationSec: number,
  extension: keyof typeof ENCODERS = 'ogg',
): Promise<Uint8Array> {
  const path = join(tmpdir(), `tones-${randomUUID()}.${extension}`);
  const parts = tones.map(({ fromSec, toSec, hz }) => `between(t,${fromSec},${toSec})*0.4*sin(2*PI*${hz}*t)`);
  const sound = `aevalsrc='${parts.join('+') || '0'}':s=16000:d=${durationSec}`;
  try {
    await makeMedia('-f', 'lavfi', '-i', sound, ...ENCODERS[extension], path);
    return await readFile(path);
  } finally {
    await rm(path, { force: true });
  }
}
