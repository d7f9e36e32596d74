import { type MediaFacts, videoStreamOf } from '../domain/media.ts';
import { assemble, fileUrl, progressTo, seconds } from './commands.ts';
import { uselessRun } from './complaints.ts';
import type { ToolRun } from './runner.ts';
import { FILE_GUARD, PIPE_GUARD } from './safety.ts';

/** How decoded sound travels from the process that decodes it to the one that encodes it. */
export interface SoundForm {
  sampleRate: number;
  channels: number;
}

export interface DecodeSoundCommand extends SoundForm {
  inputPath: string;
  streamIndex: number;
  facts: MediaFacts;
}

/** Sound may go on where the picture has ended; a length that was made up may not. */
export function longestSoundSec(facts: MediaFacts): number {
  const lengths = facts.streams.map(({ type, durationSec }) => (type === 'audio' ? (durationSec ?? 0) : 0));
  return Math.min(Math.max(facts.durationSec, ...lengths) + 10, facts.durationSec * 2 + 60);
}

/** Containers whose clock begins anywhere: ffmpeg takes it to begin with the first of the streams that it was asked for. */
const FREE_CLOCKS = ['mpegts', 'mpeg', 'ogg'];

/** Has times begin where the video does, in a command that asks for its sound only. */
export function onClockOfVideo(args: string[], facts: MediaFacts, options: string[] = []): string[] {
  if (!FREE_CLOCKS.includes(facts.container) || !videoStreamOf(facts)) return args;
  // The picture is asked for as well, though nobody looks at it.
  return [...args, '-map', `0:${facts.videoStreamIndex}`, '-c', 'copy', ...options, '-f', 'null', '-'];
}

/**
 * Decodes one sound track to standard output, each piece with its time. In a process of its own: where a recording
 * changes its channels on the way, everything behind the decoder begins anew, and what fills gaps would do so from zero.
 */
export function decodeSoundArgs(command: DecodeSoundCommand): string[] {
  const { inputPath, streamIndex, facts, sampleRate, channels } = command;
  const args = assemble({
    global: progressTo('pipe:3'),
    inputOptions: FILE_GUARD,
    input: fileUrl(inputPath),
    outputOptions: [
      ...onlySound(streamIndex),
      ...['-c:a', 'pcm_s16le', '-ar', String(sampleRate), '-ac', String(channels)],
      ...['-t', seconds(longestSoundSec(facts)), '-f', 'nut'],
    ],
    output: 'pipe:1',
  });
  return onClockOfVideo(args, facts);
}

/** One track, without titles and whatever else there is. */
export const onlySound = (streamIndex: number): string[] => [
  ...['-map', `0:${streamIndex}`, '-vn', '-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'],
];

/** Reads that sound from standard input with the times it came with. */
export const DECODED_SOUND = {
  inputOptions: [...PIPE_GUARD, '-copyts', '-f', 'nut'],
  input: 'pipe:0',
} as const;

/**
 * Has the sound begin with the video, and keeps it in its place: silence where it begins late or is missing in between.
 * Smaller errors of a clock than this are left alone, since each mending is heard.
 */
export const IN_PLACE = 'aresample=async=1:min_hard_comp=0.04:first_pts=0';

/**
 * Gives why nothing useful came of the two; null when something did. Only the decoder's report tells whether there was
 * any sound: both are content with none, and the encoder counts from its first report on.
 */
export function soundFailure(decoder: ToolRun, encoder: ToolRun): Error | null {
  const hasDecoded = (decoder.progress.outTimeSec ?? 0) > 0;
  if (decoder.exitCode === 0 && encoder.exitCode === 0 && hasDecoded) return null;
  // A decoder that nobody reads from any more is not to blame.
  const toBlame = decoder.exitCode === 0 || decoder.stoppedBy === 'not_needed' ? encoder : decoder;
  return uselessRun('ffmpeg', toBlame);
}
