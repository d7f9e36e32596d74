import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { NewAsset } from '../src/db/assets.ts';
import type { ChunkLimits, Speech, SpeechChunk } from '../src/domain/speech.ts';
import type { ActivityDeps } from './index.ts';
import type { StepResults, StepWork } from './steps.ts';
import { factsOf, sourceKey } from './videoFacts.ts';

type SpeechDeps = Pick<ActivityDeps, 'db' | 'media' | 'storage'>;

/** The extracted sound of a video, and how to come to the bytes of each chunk. */
export interface OpenSpeech extends Speech {
  read(chunk: SpeechChunk): Promise<Uint8Array<ArrayBuffer>>;
}

/** What the index holds: also what the chunks were cut for. */
interface SpeechIndex extends Speech {
  limits: ChunkLimits;
}

/** How much of the whole step it is to extract the sound. */
export const EXTRACTION_PERCENT = 10;

/** Extracts the sound that a transcriber is sent, unless it is there. Hands the step back either way. */
export async function extractSpeech(
  deps: SpeechDeps,
  step: StepWork,
  limits: ChunkLimits,
): Promise<StepResults> {
  const { media, storage } = deps;
  const { video, scratchDir, watch } = step;
  if (await findSpeech(deps, video, limits)) return { isHandedBack: true };
  const inputPath = await storage.fetch(sourceKey(video), scratchDir);
  const sourceSha256 = video.sourceSha256 ?? (await hashFile(inputPath, watch.signal));
  const outputPath = join(scratchDir, 'speech');
  const onProgress = (percent: number) => watch.onProgress((percent * EXTRACTION_PERCENT) / 100);
  const speech = await media.extractSpeech(
    { inputPath, outputPath, facts: factsOf(video), limits },
    { ...watch, onProgress },
  );
  const assets = await storeSpeech(deps, step, { index: { ...speech, sourceSha256, limits }, outputPath });
  return { isHandedBack: true, assets, sourceSha256 };
}

async function storeSpeech(
  { storage }: SpeechDeps,
  { scratchDir, assetKey }: StepWork,
  { index, outputPath }: { index: SpeechIndex; outputPath: string },
): Promise<NewAsset[]> {
  const indexPath = join(scratchDir, 'speech.json');
  await writeFile(indexPath, JSON.stringify(index));
  const store = async (kind: NewAsset['kind'], name: string, path: string, contentType: string) => {
    const key = assetKey(name);
    const { sizeBytes } = await storage.put(key, path);
    return { kind, key, contentType, sizeBytes, width: null, height: null };
  };
  const isHeard = index.chunks.length > 0;
  return [
    await store('speech_index', 'speech.json', indexPath, 'application/json'),
    ...(isHeard ? [await store('speech_audio', 'speech', outputPath, index.contentType)] : []),
  ];
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}

/** Gives the extracted sound of a video; null when there is none that was cut for these limits. */
export async function findSpeech(
  { db, storage }: Pick<SpeechDeps, 'db' | 'storage'>,
  { id, sourceSha256 }: StepWork['video'],
  limits: ChunkLimits,
): Promise<OpenSpeech | null> {
  const stored = await db.transcriptSteps.findSpeech(id);
  if (!stored) return null;
  const index = JSON.parse((await readAll(await storage.open(stored.index.key))).toString()) as SpeechIndex;
  const isFit = index.limits.maxSec === limits.maxSec && index.limits.maxBytes === limits.maxBytes;
  if (!isFit || index.sourceSha256 !== sourceSha256) return null;
  const audioKey = stored.audio?.key ?? '';
  return {
    ...index,
    read: async ({ offsetBytes, sizeBytes }) =>
      readAll(await storage.open(audioKey, { start: offsetBytes, end: offsetBytes + sizeBytes - 1 })),
  };
}

const readAll = (stream: Readable): Promise<Buffer<ArrayBuffer>> =>
  buffer(stream) as Promise<Buffer<ArrayBuffer>>;
