import { rm } from 'node:fs/promises';
import { type MediaFacts, soundStreamsOf } from '../../domain/media.ts';
import { copyLimits } from '../copyLimits.ts';
import { type Movie, readMovie, type Track } from '../mp4/movie.ts';
import { percentOfLength } from '../progress.ts';
import type { Runner, Watch } from '../runner.ts';
import { remuxArgs } from './commands.ts';
import { refuseCutShort } from './limits.ts';

/** What can be taken into an MP4 as it is. */
const COPIED_PICTURE = ['h264', 'hevc', 'vp9', 'av1', 'mpeg4'];
const COPIED_SOUND = ['aac', 'mp3', 'ac3', 'eac3', 'opus', 'alac', 'flac'];

/** A video whose samples can be picked one by one. */
export interface OpenSource {
  movie: Movie;
  video: Track;
}

/** QuickTime's own form of a sound entry (version 1 or 2) has no place in an MP4. */
const isPlainSound = ({ kind, entry }: Track) => kind === 'video' || entry.readUInt16BE(16) === 0;

const isCopyable = (facts: MediaFacts): boolean =>
  COPIED_PICTURE.includes(facts.videoCodec) &&
  soundStreamsOf(facts).every(({ codec }) => COPIED_SOUND.includes(codec));

/** The tracks that go into the result: the picture a player shows, and all sound. */
function takeTracks(movie: Movie | null, facts: MediaFacts, videoIndex: number): OpenSource | null {
  const video = movie?.tracks.find(({ index, kind }) => index === videoIndex && kind === 'video');
  const sounds = movie?.tracks.filter(({ kind }) => kind === 'audio') ?? [];
  if (!movie || !video || sounds.length !== soundStreamsOf(facts).length) return null;
  return [video, ...sounds].every(isPlainSound) ? { movie, video } : null;
}

/**
 * Opens a video for copying from it. What is no plain MP4 is laid into one first, undecoded, at
 * `remuxPath`, which the caller removes.
 *
 * @returns null when it cannot be copied into an MP4
 * @throws MediaToolError `media_tool_output_too_large`; as `Runner.run`
 */
export async function openSource(
  { runner }: { runner: Runner },
  { inputPath, facts, remuxPath }: { inputPath: string; facts: MediaFacts; remuxPath: string },
  watch: Watch,
): Promise<OpenSource | null> {
  if (!isCopyable(facts)) return null;
  const isMp4 = facts.container === 'mp4' || facts.container === 'mov';
  const own = isMp4 ? takeTracks(await readMovie(inputPath), facts, facts.videoStreamIndex) : null;
  if (own) return own;
  const limits = copyLimits(facts.sizeBytes, facts.durationSec);
  const run = await runner.run(
    {
      tool: 'ffmpeg',
      args: remuxArgs(inputPath, remuxPath, facts, limits.fileSizeBytes),
      limits,
      output: 'progress',
      percentOf: percentOfLength(facts.durationSec),
    },
    watch,
  );
  if (run.exitCode !== 0) {
    await rm(remuxPath, { force: true });
    return null;
  }
  await refuseCutShort(remuxPath, limits);
  return takeTracks(await readMovie(remuxPath), facts, 0);
}
