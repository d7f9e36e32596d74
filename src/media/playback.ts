import { rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { isInterlaced, isRgb, type MediaFacts, type MediaStream } from '../domain/media.ts';
import { type PlaybackPlan, pictureOf, planPlayback } from '../domain/playback.ts';
import { MediaToolError } from '../errors.ts';
import { uselessRun } from './complaints.ts';
import type { ToolLimits } from './confinement.ts';
import { copyLimits } from './copyLimits.ts';
import { rethrowDiskError } from './diskErrors.ts';
import { createPlaybackCheck } from './playbackCheck.ts';
import {
  type PictureEncoding,
  type PlaybackCommand,
  playbackArgs,
  type SoundEncoding,
} from './playbackCommands.ts';
import type { Probe } from './probe.ts';
import { percentOfLength } from './progress.ts';
import type { Runner, ToolRun, Watch } from './runner.ts';
import { highRangeOf } from './usualRange.ts';

export interface PlaybackRequest {
  inputPath: string;
  outputPath: string;
  facts: MediaFacts;
}

export interface Playback {
  width: number;
  height: number;
  sizeBytes: number;
  contentType: 'video/mp4';
}

/** Larger pictures are made smaller: few screens show more, and few machines decode more than that smoothly. */
const MAX_SIDE_PX = 1920;
/** 8 Mbit/s at 1080p30. */
const MAX_BITS_PER_PIXEL = 0.13;
const [LEAST_MAX_BITS, MOST_MAX_BITS] = [1_000_000, 20_000_000];
const USUAL_FPS = 30;
/** More threads than this cost memory and quality, and save no time any more. */
const MAX_THREADS = 8;
const MAX_SAMPLE_RATE = 48_000;

export type PlaybackRenderer = ReturnType<typeof createPlaybackRenderer>;

/** Makes the functions that give browsers something to play. */
export function createPlaybackRenderer({ runner, probe }: { runner: Runner; probe: Probe }) {
  const check = createPlaybackCheck({ runner, probe });

  /** Follows a plan. @returns null when what came of it is not usable although the tool was content */
  const follow = async (
    { inputPath, outputPath, facts }: PlaybackRequest,
    plan: PlaybackPlan,
    watch: Watch,
  ): Promise<{ playback: Playback | null; run: ToolRun }> => {
    const temporaryPath = `${outputPath}.part`;
    const command = planCommand({ inputPath, outputPath: temporaryPath, facts }, plan);
    const call = { tool: 'ffmpeg', args: playbackArgs(command), output: 'progress' } as const;
    const limits = limitsOf(command, facts);
    try {
      const percentOf = percentOfLength(facts.durationSec);
      const run = await runner.run({ ...call, limits, percentOf }, watch);
      if (run.exitCode !== 0) return { playback: null, run };
      const made = await check(
        { path: temporaryPath, inputPath, facts, run, isCopy: !command.picture },
        watch,
      );
      if (!made) return { playback: null, run };
      await rename(temporaryPath, outputPath).catch(rethrowDiskError);
      const { width, height, sizeBytes } = made;
      return { playback: { width, height, sizeBytes, contentType: 'video/mp4' }, run };
    } finally {
      await rm(temporaryPath, { force: true });
    }
  };

  return {
    /**
     * Makes an MP4 with its index first out of the source's own streams: in seconds, and nothing is lost.
     *
     * @returns null when there is no way but to encode
     * @throws as `Runner.run`
     */
    async copyPlayback(request: PlaybackRequest, watch: Watch): Promise<Playback | null> {
      const plan = planPlayback(request.facts);
      if (plan.work === 'encode') return null;
      return (await follow(request, plan, watch)).playback;
    },

    /**
     * Makes the same where picture or sound must be encoded: H.264 and AAC, upright, in usual colours.
     *
     * @throws UnusableMediaError `corrupt_media` when nothing of the video can be decoded; MediaToolError; as `Runner.run`
     */
    async encodePlayback(request: PlaybackRequest, watch: Watch): Promise<Playback> {
      const plan = planPlayback(request.facts);
      // What can be copied is, where that was not tried in vain already.
      const hasCopies = [plan.picture, ...plan.sound.map(({ treatment }) => treatment)].includes('copy');
      const plans = plan.work === 'encode' && hasCopies ? [plan, encodeAll(plan)] : [encodeAll(plan)];
      let last: ToolRun | null = null;
      for (const each of plans) {
        const { playback, run } = await follow(request, each, watch);
        if (playback) return playback;
        last = run;
      }
      if (last && last.exitCode !== 0) throw uselessRun('ffmpeg', last);
      throw new MediaToolError('What was made for playing turned out to be unusable');
    },
  };
}

const encodeAll = (plan: PlaybackPlan): PlaybackPlan => ({
  work: 'encode',
  picture: 'encode',
  sound: plan.sound.map((track) => ({ ...track, treatment: 'encode' })),
});

function planCommand({ inputPath, outputPath, facts }: PlaybackRequest, plan: PlaybackPlan): PlaybackCommand {
  const kept = [facts.videoStreamIndex, ...plan.sound.map(({ streamIndex }) => streamIndex)];
  const streams = new Map(facts.streams.map((stream) => [stream.index, stream]));
  const lengths = kept.map((index) => streams.get(index)?.durationSec ?? 0);
  return {
    inputPath,
    outputPath,
    streamIndex: facts.videoStreamIndex,
    picture: plan.picture === 'encode' ? planPicture(facts) : null,
    sound: plan.sound.map(({ streamIndex, treatment }) => ({
      streamIndex,
      encoding: treatment === 'encode' ? planSound(streams.get(streamIndex)) : null,
    })),
    // Sound may go on where the picture has ended; a length that was made up may not.
    lengthSec: Math.min(Math.max(facts.durationSec, ...lengths) + 10, facts.durationSec * 2 + 60),
    lacksTimes: facts.container === 'avi',
  };
}

const even = (px: number): number => Math.max(2, Math.floor(px / 2) * 2);

/** How a picture of these facts is encoded. Exported for its test. */
export function planPicture(facts: MediaFacts): PictureEncoding {
  const picture = pictureOf(facts);
  const shrink = Math.min(1, MAX_SIDE_PX / Math.max(facts.width, facts.height));
  const [width, height] = [even(facts.width * shrink), even(facts.height * shrink)];
  const wanted = width * height * (facts.fps ?? USUAL_FPS) * MAX_BITS_PER_PIXEL;
  return {
    width,
    height,
    maxBitsPerSec: Math.round(Math.min(MOST_MAX_BITS, Math.max(LEAST_MAX_BITS, wanted))),
    isInterlaced: isInterlaced(picture),
    highRange: highRangeOf(picture.colorTransfer),
    isRgb: isRgb(picture),
    threads: Math.min(MAX_THREADS, availableParallelism()),
  };
}

/** Stereo at most: every browser mixes more channels down in its own way, and some lose the speech. */
const planSound = (sound: MediaStream | undefined): SoundEncoding => ({
  channels: Math.min(2, sound?.channels || 2),
  sampleRate: Math.min(MAX_SAMPLE_RATE, sound?.sampleRate || MAX_SAMPLE_RATE),
});

/** A slow machine with other work manages a tenth of what was measured (160 megapixels a second, decoded and encoded). */
const SLOW_PIXELS_PER_SEC = 16e6;
const SOUND_BYTES_PER_SEC = 32_000;

function limitsOf({ picture, sound, lengthSec }: PlaybackCommand, facts: MediaFacts): ToolLimits {
  const { width, height, fps, durationSec, sizeBytes } = facts;
  const copy = copyLimits(sizeBytes, lengthSec);
  const soundSec = sound.filter(({ encoding }) => encoding !== null).length * lengthSec;
  const pictureSec = durationSec * (2 + (width * height * (fps ?? 2 * USUAL_FPS)) / SLOW_PIXELS_PER_SEC);
  const wallClockSec = copy.wallClockSec + soundSec + (picture ? pictureSec : 0);
  const pictureBytes = picture ? (picture.maxBitsPerSec / 8) * lengthSec * 1.5 : 0;
  return {
    wallClockSec,
    cpuSec: wallClockSec * (picture?.threads ?? 1),
    fileSizeBytes: copy.fileSizeBytes + pictureBytes + sound.length * SOUND_BYTES_PER_SEC * lengthSec,
  };
}
