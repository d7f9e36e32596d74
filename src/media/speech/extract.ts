import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type MediaFacts, soundStreamsOf } from '../../domain/media.ts';
import type { ChunkLimits, Speech, SpeechChunk } from '../../domain/speech.ts';
import { MediaToolError, UnusableMediaError } from '../../errors.ts';
import { uselessRun } from '../complaints.ts';
import type { ToolLimits } from '../confinement.ts';
import { copyLimits } from '../copyLimits.ts';
import { rethrowDiskError } from '../diskErrors.ts';
import { percentOfLength } from '../progress.ts';
import type { Runner, Watch } from '../runner.ts';
import { decodeSoundArgs, longestSoundSec, soundFailure } from '../soundPipe.ts';
import {
  CONTAINER_BYTES,
  ENCODER,
  encodeSpeechArgs,
  MOST_BYTES_PER_SEC,
  SPEECH_FORM,
  splitSpeechArgs,
} from './commands.ts';
import { createLevelMeter, type Levels } from './levels.ts';
import { type PlannedChunk, planChunks } from './planChunks.ts';

export interface SpeechRequest {
  inputPath: string;
  /** For all chunks, one after the other. */
  outputPath: string;
  facts: MediaFacts;
  limits: ChunkLimits;
}

/** What was extracted, but for what only its asker knows. */
export type ExtractedSpeech = Omit<Speech, 'sourceSha256'>;

export type ExtractSpeech = ReturnType<typeof createSpeechExtractor>;

/** Makes the extractor of speech. */
export function createSpeechExtractor({ runner }: { runner: Runner }) {
  /** Encodes a track in one pass, and hears where it is silent on the way. */
  const encodeTrack = async (
    { inputPath, facts }: SpeechRequest,
    { streamIndex, outputPath }: { streamIndex: number; outputPath: string },
    watch: Watch,
  ): Promise<{ levels: Levels } | { failure: Error }> => {
    const meter = createLevelMeter();
    const limits = limitsOf(facts);
    const lengthSec = longestSoundSec(facts);
    const args = decodeSoundArgs({ inputPath, streamIndex, facts, ...SPEECH_FORM });
    const percentOf = percentOfLength(facts.durationSec);
    const encoding = encodeSpeechArgs(outputPath, lengthSec);
    const runs = await runner.runPipe(
      { tool: 'ffmpeg', args, limits, output: 'packets', percentOf },
      { tool: 'ffmpeg', args: encoding, limits, output: 'packets', onOutput: meter.feed },
      watch,
    );
    const failure = soundFailure(...runs);
    return failure ? { failure } : { levels: meter.read() };
  };

  /** The first track that gives sound: a file may name one that holds none. */
  const encodeFirst = async (request: SpeechRequest, outputPath: string, watch: Watch): Promise<Levels> => {
    let failure: Error = new UnusableMediaError('no_audio', 'The video has no sound');
    for (const { index } of soundStreamsOf(request.facts)) {
      const made = await encodeTrack(request, { streamIndex: index, outputPath }, watch);
      if ('levels' in made) return made.levels;
      failure = made.failure;
    }
    throw failure;
  };

  const split = async (
    { facts }: SpeechRequest,
    { inputPath, folder, chunks }: { inputPath: string; folder: string; chunks: readonly PlannedChunk[] },
    watch: Watch,
  ): Promise<void> => {
    const cutPackets = chunks.slice(1).map(({ firstPacket }) => firstPacket);
    const args = splitSpeechArgs({ inputPath, folder, cutPackets });
    const call = { tool: 'ffmpeg', args, limits: limitsOf(facts), output: 'progress' } as const;
    const run = await runner.run(call, watch);
    if (run.exitCode !== 0) throw uselessRun('ffmpeg', run);
  };

  /**
   * Takes the speech out of a video: small files of sound that begin and end where nobody speaks, those in which nothing
   * is heard left out. The same video gives the same bytes.
   *
   * @throws UnusableMediaError `no_audio`; `corrupt_media` or `unsupported_codec` when no sound track can be decoded; DiskFullError;
   *   MediaToolError; as `Runner.run`
   */
  return async function extractSpeech(request: SpeechRequest, watch: Watch): Promise<ExtractedSpeech> {
    const { outputPath, limits } = request;
    const folder = `${outputPath}.chunks`;
    const [wholePath, temporaryPath] = [`${outputPath}.webm`, `${outputPath}.part`];
    try {
      await mkdir(folder).catch(rethrowDiskError);
      const levels = await encodeFirst(request, wholePath, watch);
      const chunks = planChunks(levels, longestChunkSec(limits));
      if (chunks.some(isHeard)) await split(request, { inputPath: wholePath, folder, chunks }, watch);
      const joined = await joinHeard({
        folder,
        chunks,
        limits,
        outputPath: temporaryPath,
        signal: watch.signal,
      });
      await rename(temporaryPath, outputPath).catch(rethrowDiskError);
      return { encoder: ENCODER, contentType: 'audio/webm', extension: 'webm', chunks: joined };
    } finally {
      await Promise.all(
        [folder, wholePath, temporaryPath].map((path) => rm(path, { recursive: true, force: true })),
      );
    }
  };
}

const isHeard = ({ voiced }: PlannedChunk): boolean => voiced.length > 0;

const longestChunkSec = ({ maxSec, maxBytes }: ChunkLimits): number =>
  Math.max(1, Math.min(maxSec, (maxBytes - CONTAINER_BYTES) / MOST_BYTES_PER_SEC));

function limitsOf(facts: MediaFacts): ToolLimits {
  const lengthSec = longestSoundSec(facts);
  const { wallClockSec, cpuSec } = copyLimits(facts.sizeBytes, lengthSec);
  return { wallClockSec, cpuSec, fileSizeBytes: MOST_BYTES_PER_SEC * lengthSec * 2 + CONTAINER_BYTES };
}

/** Lays the chunks in which something is heard one after the other into one file. */
async function joinHeard(work: {
  folder: string;
  chunks: readonly PlannedChunk[];
  limits: ChunkLimits;
  outputPath: string;
  signal: AbortSignal;
}): Promise<SpeechChunk[]> {
  const joined: SpeechChunk[] = [];
  let offsetBytes = 0;
  const output = await open(work.outputPath, 'w').catch(rethrowDiskError);
  try {
    for (const [number, { startSec, endSec, voiced }] of work.chunks.entries()) {
      if (voiced.length === 0) continue;
      work.signal.throwIfAborted();
      const path = join(work.folder, `${number}.webm`);
      const sizeBytes = await sizeOf(path);
      if (sizeBytes === 0 || sizeBytes > work.limits.maxBytes) {
        throw new MediaToolError('The sound could not be split as it must be');
      }
      for await (const bytes of createReadStream(path)) await output.appendFile(bytes);
      joined.push({ startSec, endSec, offsetBytes, sizeBytes, voiced });
      offsetBytes += sizeBytes;
    }
  } catch (error) {
    rethrowDiskError(error);
  } finally {
    await output.close();
  }
  return joined;
}

/** 0 for a chunk that is not there. */
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );
