import { assemble, fileUrl, progressTo, seconds } from '../commands.ts';
import { FILE_GUARD } from '../safety.ts';
import { DECODED_SOUND, IN_PLACE, type SoundForm } from '../soundPipe.ts';

/** What is told apart in speech lies below 8 kHz. */
export const SPEECH_FORM: SoundForm = { sampleRate: 16_000, channels: 1 };

/** One packet; chunks begin and end between two of them. */
export const PACKET_SEC = 0.06;
const BITS_PER_SEC = 24_000;

/**
 * Opus as for telephony, with long packets. Of an hour of measured speech it makes 6 MB, with the packets of 20 ms that
 * are usual 7, where MP3 at 48 kbit/s makes 22 and 16-bit samples 115. It takes 16 s of a processor, MP3 half of that;
 * complexity 10 takes three times as long and makes more. WebM is among the types of every list of what is accepted.
 */
const OPUS = [
  ...['-c:a', 'libopus', '-b:a', String(BITS_PER_SEC), '-application', 'voip', '-compression_level', '3'],
  ...['-frame_duration', '60', '-vbr', 'on'],
];
/** In one word that changes when the bytes of chunks would. */
export const ENCODER = 'opus-voip-24k-60ms-3';

/** Noise, which takes most, came to 2 600 bytes a second, container included; the encoder's own bound is 3 150. */
export const MOST_BYTES_PER_SEC = 3200;
/** What a container takes whatever is in it. */
export const CONTAINER_BYTES = 4096;

/** Without these every container gets a number of its own, and the same sound other bytes each time. */
const SAME_BYTES = ['-fflags', '+bitexact', '-flags:a', '+bitexact'];

/** Encodes decoded sound from standard input, and writes it out in samples to standard output as it goes. */
export function encodeSpeechArgs(outputPath: string, lengthSec: number): string[] {
  const length = ['-t', seconds(lengthSec)];
  const args = assemble({
    global: progressTo('pipe:3'),
    ...DECODED_SOUND,
    outputOptions: [
      ...['-filter_complex', `[0:a]${IN_PLACE},asplit[encoded][heard]`],
      ...['-map', '[encoded]', ...OPUS, ...SAME_BYTES, ...length, '-f', 'webm'],
    ],
    output: fileUrl(outputPath),
  });
  return [...args, '-map', '[heard]', '-c:a', 'pcm_s16le', ...length, '-f', 's16le', 'pipe:1'];
}

/** Longer than any sound. */
const NEVER_SEC = '1000000';

export interface SplitCommand {
  inputPath: string;
  /** Where the chunks go, each under the name of its number. */
  folder: string;
  /** How many packets come before the beginning of each chunk but the first. */
  cutPackets: readonly number[];
}

/** Lays the packets of encoded speech into one file per chunk, each with a time of its own. */
export function splitSpeechArgs({ inputPath, folder, cutPackets }: SplitCommand): string[] {
  // Half a packet earlier: the times that a container holds are rounded, and the first of a packet's is hidden.
  const times = cutPackets.map((packets) => seconds((packets - 0.5) * PACKET_SEC));
  // Without any cut it would ask for one, and would cut every two seconds if told of none.
  const cuts = times.length > 0 ? ['-segment_times', times.join(',')] : ['-segment_time', NEVER_SEC];
  return assemble({
    global: progressTo('pipe:1'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [
      ...['-map', '0:a', '-c', 'copy', ...SAME_BYTES, '-f', 'segment', '-segment_format', 'webm'],
      ...['-reset_timestamps', '1', ...cuts],
    ],
    output: fileUrl(`${folder.replaceAll('%', '%%')}/%d.webm`),
  });
}
