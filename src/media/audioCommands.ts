import type { AudioFormat } from '../domain/audio.ts';
import { type MediaFacts, type MediaStream, soundStreamsOf } from '../domain/media.ts';
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
  /** What a second of one channel takes, roughly. */
  bytesPerSec(sampleRate: number): number;
}

const AAC_BITS_PER_CHANNEL = 80_000;
const MAX_RATE = 48_000;
/** What MP3 and every player of AAC know. */
const USUAL_RATES = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, MAX_RATE] as const;

const FORMATS: Record<AudioFormat, FormatFacts> = {
  m4a: {
    copies: 'aac',
    encode: ({ channels }) => ['-c:a', 'aac', '-b:a', String(AAC_BITS_PER_CHANNEL * channels)],
    container: ['-movflags', '+faststart', '-f', 'ipod'],
    sampleRates: USUAL_RATES,
    bytesPerSec: () => AAC_BITS_PER_CHANNEL / 8,
  },
  mp3: {
    copies: 'mp3',
    // Some 190 kbit/s for music: hardly anybody tells it from the source.
    encode: () => ['-c:a', 'libmp3lame', '-q:a', '2'],
    container: ['-f', 'mp3'],
    sampleRates: USUAL_RATES,
    bytesPerSec: () => 12_000,
  },
  wav: {
    copies: null,
    encode: () => ['-c:a', 'pcm_s16le'],
    // A plain WAV ends at 4 GiB: six hours of stereo.
    container: ['-rf64', 'auto', '-f', 'wav'],
    sampleRates: null,
    bytesPerSec: (sampleRate) => sampleRate * 2,
  },
};

export const isCopyable = (format: AudioFormat, { codec }: MediaStream): boolean =>
  FORMATS[format].copies === codec;

/** Whether a container of this format has a place for when its sound begins. */
export const keepsTimes = (format: AudioFormat): boolean => format === 'm4a';

/**
 * Gives how sound is encoded: at its own rate where the format has it, stereo and 48 kHz at most. A small file of
 * silence may claim a rate that makes gigabytes of it.
 */
export function planForm(format: AudioFormat, { sampleRate, channels }: MediaStream): SoundForm {
  const rate = Math.min(sampleRate || MAX_RATE, MAX_RATE);
  const rates = FORMATS[format].sampleRates;
  return {
    sampleRate: rates?.find((each) => each >= rate) ?? rate,
    channels: Math.min(2, channels || 2),
  };
}

/** What a second of the result takes at most. */
export const bytesPerSec = (format: AudioFormat, { sampleRate, channels }: SoundForm): number =>
  format === 'wav' ? sampleRate * channels * 2 : 50_000;

/** Gives about how many bytes the sound of a video will take in a format; 0 where it has none. */
export function expectedAudioBytes(facts: MediaFacts, format: AudioFormat): number {
  const [stream] = soundStreamsOf(facts);
  if (!stream) return 0;
  const { sampleRate, channels } = planForm(format, stream);
  const bytes = Math.ceil(FORMATS[format].bytesPerSec(sampleRate) * channels * facts.durationSec);
  return isCopyable(format, stream) ? Math.min(bytes, facts.sizeBytes) : bytes;
}

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
  // One packet of the picture tells the clock: without an end, the whole film would be read.
  return onClockOfVideo(args, facts, ['-frames:v', '1']);
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
