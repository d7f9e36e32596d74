import type { AudioFormat } from '../domain/audio.ts';
import type { MediaFacts, MediaStream } from '../domain/media.ts';
import { assemble, fileUrl, progressTo, seconds } from './commands.ts';
import { FILE_GUARD } from './safety.ts';
import {
  DECODED_SOUND,
  IN_PLACE,
  longestSoundSec,
  onClockOfVideo,
  onlySound,
  type SoundForm,
} from './soundPipe.ts';

interface FormatFacts {
  /** The codec that is taken as it is. */
  copies: string | null;
  encode(form: SoundForm): string[];
  container: readonly string[];
  sampleRates: readonly number[] | null;
}

const AAC_BITS_PER_CHANNEL = 80_000;
/** What MP3 and every player of AAC know. */
const USUAL_RATES = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] as const;

const FORMATS: Record<AudioFormat, FormatFacts> = {
  m4a: {
    copies: 'aac',
    encode: ({ channels }) => ['-c:a', 'aac', '-b:a', String(AAC_BITS_PER_CHANNEL * channels)],
    container: ['-movflags', '+faststart', '-f', 'ipod'],
    sampleRates: USUAL_RATES,
  },
  mp3: {
    copies: 'mp3',
    // Some 190 kbit/s for music: hardly anybody tells it from the source.
    encode: () => ['-c:a', 'libmp3lame', '-q:a', '2'],
    container: ['-f', 'mp3'],
    sampleRates: USUAL_RATES,
  },
  wav: {
    copies: null,
    encode: () => ['-c:a', 'pcm_s16le'],
    // A plain WAV ends at 4 GiB: six hours of stereo.
    container: ['-rf64', 'auto', '-f', 'wav'],
    sampleRates: null,
  },
};

export const isCopyable = (format: AudioFormat, { codec }: MediaStream): boolean =>
  FORMATS[format].copies === codec;

/** Whether a container of this format has a place for when its sound begins. */
export const keepsTimes = (format: AudioFormat): boolean => format === 'm4a';

/** Gives how sound is encoded: at its own rate where the format has it, stereo at most. */
export function planForm(format: AudioFormat, { sampleRate, channels }: MediaStream): SoundForm {
  const rate = sampleRate || 48_000;
  const rates = FORMATS[format].sampleRates;
  return {
    sampleRate: rates ? (rates.find((each) => each >= rate) ?? (rates.at(-1) as number)) : rate,
    channels: Math.min(2, channels || 2),
  };
}

/** What a second of the result takes at most. */
export const bytesPerSec = (format: AudioFormat, { sampleRate, channels }: SoundForm): number =>
  format === 'wav' ? sampleRate * channels * 2 : 50_000;

export interface AudioCommand {
  inputPath: string;
  outputPath: string;
  streamIndex: number;
  facts: MediaFacts;
  format: AudioFormat;
}

/** Copies a sound track as it is. */
export function copyAudioArgs({ inputPath, outputPath, streamIndex, facts, format }: AudioCommand): string[] {
  const args = assemble({
    global: progressTo('pipe:1'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [
      ...[...onlySound(streamIndex), '-c:a', 'copy', '-t', seconds(longestSoundSec(facts))],
      ...FORMATS[format].container,
    ],
    output: fileUrl(outputPath),
  });
  return onClockOfVideo(args, facts);
}

/** Decodes the beginning of a sound track, only to tell when that is. */
export function findStartArgs({
  inputPath,
  streamIndex,
  facts,
}: Omit<AudioCommand, 'outputPath' | 'format'>): string[] {
  const args = assemble({
    global: progressTo('pipe:1'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [...onlySound(streamIndex), '-af', PRINT_SOUND_TIME, '-frames:a', '1', '-f', 'null'],
    output: 'pipe:1',
  });
  return onClockOfVideo(args, facts);
}

/** As `PRINT_TIME`, for sound. */
const PRINT_SOUND_TIME = String.raw`ametadata=mode=add:key=videoflow:value=1,ametadata=mode=print:file=pipe\\:1:direct=1`;

/** Encodes decoded sound from standard input. */
export function encodeAudioArgs(
  { outputPath, facts, format }: Omit<AudioCommand, 'inputPath' | 'streamIndex'>,
  form: SoundForm,
): string[] {
  const { encode, container } = FORMATS[format];
  return assemble({
    global: progressTo('pipe:1'),
    ...DECODED_SOUND,
    outputOptions: [
      ...['-map', '0:a', '-af', IN_PLACE, '-map_metadata', '-1', ...encode(form)],
      ...['-t', seconds(longestSoundSec(facts)), ...container],
    ],
    output: fileUrl(outputPath),
  });
}
