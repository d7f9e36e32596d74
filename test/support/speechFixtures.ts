import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixtureFolder, makeOnce } from './fixtureCache.ts';
import { makeMedia } from './mediaFixtures.ts';

/**
 * Speech for the tests, made on demand by espeak-ng: every word and every pause is where the fixture says.
 * Raise the version when a recipe changes.
 */
const VERSION = 1;
const FOLDER = fixtureFolder(`speech-${VERSION}`);
const SAMPLE_RATE = 22_050;
const WAV_HEADER_BYTES = 44;
/** Quieter than this, espeak-ng is only fading. */
const FAINT = 20;

const run = promisify(execFile);

export interface SpokenSentence {
  text: string;
  startSec: number;
  endSec: number;
}

export interface Spoken {
  path: string;
  /** In the time of the file: of a video, the one that begins with its picture. */
  sentences: SpokenSentence[];
  durationSec: number;
}

export interface SpeechOptions {
  /** Between two sentences, and before the first and after the last one. */
  pauseSec?: number;
  wordsPerMin?: number;
  /** espeak-ng's name: `en`, `en+f3`, `de`, … */
  voice?: string;
  /** Added to the loudness: -30 and the speech is hardly heard. */
  gainDb?: number;
}

export interface SpeechVideoOptions extends SpeechOptions {
  /** How much later than the picture the sound track begins. */
  delaySec?: number;
  /** `mp4` with AAC, or another container with a sound that it takes. */
  extension?: 'mp4' | 'mkv' | 'webm' | 'ts';
}

export const SENTENCES = [
  'Good evening, and welcome to the harbour.',
  'The first ferry leaves at seven in the morning.',
  'Please keep your ticket until the end of the journey.',
  'Dogs and bicycles travel for free.',
  'Behind the lighthouse there is a small museum.',
  'It is closed on Mondays.',
  'We wish you a pleasant stay on the island.',
  'The last boat goes back at nine.',
];

let espeakRuns: boolean | undefined;

/** Skips a test, or all of a suite, where no speech can be made. The skip shows in the run's last line. */
export function skipWithoutSpeech(context: Mocha.Context): void {
  espeakRuns ??= spawnSync('espeak-ng', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!espeakRuns) context.skip();
}

/** Gives mono speech as WAV, each sentence where it says. Do not write to it. */
export async function speechWav(
  sentences: readonly string[] = SENTENCES,
  options: SpeechOptions = {},
): Promise<Spoken> {
  const path = join(FOLDER, `${keyOf({ sentences, options })}.wav`);
  await makeOnce(path, async (unfinished) => {
    const { wav, spoken } = await speak(sentences, options);
    // First the index: whoever finds the sound finds it, too.
    await makeOnce(indexOf(path), (index) => writeFile(index, JSON.stringify(spoken)));
    await writeFile(unfinished, wav);
  });
  return { ...JSON.parse(await readFile(indexOf(path), 'utf8')), path };
}

/** Gives a small video with that speech. Do not write to it. */
export async function speechVideo(
  sentences: readonly string[] = SENTENCES,
  { delaySec = 0, extension = 'mp4', ...options }: SpeechVideoOptions = {},
): Promise<Spoken> {
  const speech = await speechWav(sentences, options);
  const durationSec = speech.durationSec + delaySec;
  const path = join(FOLDER, `${keyOf({ sentences, options, delaySec })}.${extension}`);
  const sound = ['-itsoffset', String(delaySec), '-i', speech.path];
  await makeOnce(path, (unfinished) => makeVideo(unfinished, durationSec, sound));
  const late = speech.sentences.map(({ text, startSec, endSec }) => ({
    text,
    startSec: startSec + delaySec,
    endSec: endSec + delaySec,
  }));
  return { path, sentences: late, durationSec };
}

/** Sounds in which there is nothing to be found, or nothing but sound. */
const CLIPS = {
  /** Ten seconds of a sound track in which nothing is. */
  silence: ['-f', 'lavfi', '-i', 'anullsrc=r=44100:cl=stereo:d=10'],
  /** Thirty seconds without any pause. */
  noise: ['-f', 'lavfi', '-i', 'anoisesrc=c=pink:a=0.3:seed=7:d=30'],
  /** No sound track at all. */
  mute: [],
} as const;

/** Gives a small video with one of these sounds. Do not write to it. */
export function soundClip(name: keyof typeof CLIPS): Promise<string> {
  const path = join(FOLDER, `clip-${name}.mp4`);
  return makeOnce(path, (unfinished) => makeVideo(unfinished, name === 'noise' ? 30 : 10, CLIPS[name]));
}

const keyOf = (recipe: object): string =>
  createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 16);

const indexOf = (path: string): string => path.replace(/\.wav$/, '.json');

const makeVideo = (path: string, durationSec: number, sound: readonly string[]) =>
  makeMedia(
    ...['-f', 'lavfi', '-i', `testsrc2=s=160x120:r=10:d=${durationSec.toFixed(3)}`, ...sound],
    ...(path.endsWith('.webm')
      ? ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus']
      : ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', '-c:a', 'aac']),
    path,
  );

async function speak(
  texts: readonly string[],
  { pauseSec = 0.8, gainDb = 0, wordsPerMin = 165, voice = 'en' }: SpeechOptions,
): Promise<{ wav: Buffer; spoken: Omit<Spoken, 'path'> }> {
  const gain = 10 ** (gainDb / 20);
  const pause = new Int16Array(Math.round(pauseSec * SAMPLE_RATE));
  const parts: Int16Array[] = [pause];
  const sentences: SpokenSentence[] = [];
  let at = pause.length;
  for (const text of texts) {
    const sound = await sayAloud(text, ['-v', voice, '-s', String(wordsPerMin)]);
    sentences.push({ text, startSec: at / SAMPLE_RATE, endSec: (at + sound.length) / SAMPLE_RATE });
    parts.push(
      sound.map((sample) => Math.round(sample * gain)),
      pause,
    );
    at += sound.length + pause.length;
  }
  const samples = Buffer.concat(parts.map((part) => Buffer.from(part.buffer)));
  return {
    wav: Buffer.concat([wavHeader(samples.length), samples]),
    spoken: { sentences, durationSec: at / SAMPLE_RATE },
  };
}

/** One sentence from its first sound to its last one. */
async function sayAloud(text: string, options: string[]): Promise<Int16Array> {
  const path = join(FOLDER, `${randomUUID()}.said.wav`);
  try {
    await run('espeak-ng', [...options, '-w', path, '--', text]).catch((cause) => {
      throw new Error('espeak-ng cannot be run: tests of speech need it (apt-get install espeak-ng)', {
        cause,
      });
    });
    const samples = readSamples(await readFile(path));
    const isHeard = (sample: number) => Math.abs(sample) > FAINT;
    return samples.slice(samples.findIndex(isHeard), samples.findLastIndex(isHeard) + 1);
  } finally {
    await rm(path, { force: true });
  }
}

function readSamples(wav: Buffer): Int16Array {
  if (wav.readUInt32LE(24) !== SAMPLE_RATE) throw new Error('espeak-ng spoke at another sample rate');
  const bytes = wav.subarray(WAV_HEADER_BYTES, wav.length - (wav.length % 2));
  return Int16Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(index * 2));
}

function wavHeader(sizeBytes: number): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0);
  header.writeUInt32LE(sizeBytes + WAV_HEADER_BYTES - 8, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(sizeBytes, 40);
  return header;
}
