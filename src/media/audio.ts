import { rename, rm } from 'node:fs/promises';
import type { AudioFormat } from '../domain/audio.ts';
import { type MediaFacts, type MediaStream, soundStreamsOf } from '../domain/media.ts';
import { MediaToolError, UnusableMediaError } from '../errors.ts';
import {
  bytesPerSec,
  copyAudioArgs,
  encodeAudioArgs,
  findStartArgs,
  isCopyable,
  keepsTimes,
  planForm,
} from './audioCommands.ts';
import { uselessRun } from './complaints.ts';
import { copyLimits } from './copyLimits.ts';
import { rethrowDiskError } from './diskErrors.ts';
import { percentOfLength } from './progress.ts';
import type { Runner, Watch } from './runner.ts';
import { decodeSoundArgs, longestSoundSec, soundFailure } from './soundPipe.ts';

export interface AudioRequest {
  inputPath: string;
  outputPath: string;
  facts: MediaFacts;
  format: AudioFormat;
}

const START_LIMITS = { wallClockSec: 60, cpuSec: 60, fileSizeBytes: 1 };
/** Nobody hears that the sound comes earlier by so little. */
const UNHEARD_SEC = 0.05;

export type RenderAudio = ReturnType<typeof createAudioRenderer>;

/** Makes the renderer of the sound alone. */
export function createAudioRenderer({ runner }: { runner: Runner }) {
  /** Whether the sound begins with the video, where the format could not tell that it does not. */
  const beginsInTime = async (request: AudioRequest, streamIndex: number, watch: Watch): Promise<boolean> => {
    if (keepsTimes(request.format)) return true;
    const args = findStartArgs({ ...request, streamIndex });
    const call = { tool: 'ffmpeg', args, limits: START_LIMITS, output: 'progress' } as const;
    // Where that is not told in time, it is encoded, which does not need to know.
    const run = await runner.run(call, watch).catch((error: unknown) => {
      watch.signal.throwIfAborted();
      if (error instanceof MediaToolError && error.code === 'media_tool_missing') throw error;
      return null;
    });
    return run?.exitCode === 0 && Math.abs(run.progress.firstSeenSec ?? 1) < UNHEARD_SEC;
  };

  /** @returns why nothing useful came of it; null when something did */
  const copy = async (request: AudioRequest, { index }: MediaStream, watch: Watch): Promise<Error | null> => {
    const { facts } = request;
    const args = copyAudioArgs({ ...request, streamIndex: index });
    const limits = copyLimits(facts.sizeBytes, longestSoundSec(facts));
    const percentOf = percentOfLength(facts.durationSec);
    const run = await runner.run({ tool: 'ffmpeg', args, limits, output: 'progress', percentOf }, watch);
    const isUseful = run.exitCode === 0 && (run.progress.outTimeSec ?? 0) > 0;
    return isUseful ? null : uselessRun('ffmpeg', run);
  };

  /** @returns as `copy` */
  const encode = async (request: AudioRequest, stream: MediaStream, watch: Watch): Promise<Error | null> => {
    const { facts, format } = request;
    const form = planForm(format, stream);
    const lengthSec = longestSoundSec(facts);
    const wallClockSec = copyLimits(facts.sizeBytes, lengthSec).wallClockSec + lengthSec;
    const fileSizeBytes = 1024 * 1024 + bytesPerSec(format, form) * lengthSec * 1.1;
    const limits = { wallClockSec, cpuSec: wallClockSec, fileSizeBytes };
    const decoding = decodeSoundArgs({ ...request, ...form, streamIndex: stream.index });
    const percentOf = percentOfLength(facts.durationSec);
    const runs = await runner.runPipe(
      { tool: 'ffmpeg', args: decoding, limits, output: 'packets', percentOf },
      { tool: 'ffmpeg', args: encodeAudioArgs(request, form), limits, output: 'progress' },
      watch,
    );
    return soundFailure(...runs);
  };

  /** Tries to copy where that will do, then to encode. @returns as `copy` */
  const render = async (request: AudioRequest, stream: MediaStream, watch: Watch): Promise<Error | null> => {
    const mayCopy = isCopyable(request.format, stream) && (await beginsInTime(request, stream.index, watch));
    if (mayCopy && (await copy(request, stream, watch)) === null) return null;
    return encode(request, stream, watch);
  };

  /**
   * Makes the sound alone: copied where its codec is the format's, else encoded. It begins with the video, so that times
   * mean the same in both. Of several tracks the first one that can be decoded.
   *
   * @throws UnusableMediaError `no_audio`; `corrupt_media` or `unsupported_codec` when none can be; as `Runner.run`
   */
  return async function renderAudio(request: AudioRequest, watch: Watch): Promise<void> {
    const temporaryPath = `${request.outputPath}.part`;
    let failure: Error = new UnusableMediaError('no_audio', 'The video has no sound');
    try {
      for (const stream of soundStreamsOf(request.facts)) {
        const problem = await render({ ...request, outputPath: temporaryPath }, stream, watch);
        if (!problem) return await rename(temporaryPath, request.outputPath).catch(rethrowDiskError);
        failure = problem;
      }
    } finally {
      await rm(temporaryPath, { force: true });
    }
    throw failure;
  };
}
