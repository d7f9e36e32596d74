import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewAsset } from '../../src/db/assets.ts';
import type { MediaFacts } from '../../src/domain/media.ts';
import type { StepName } from '../../src/domain/video.ts';
import type { TestApi, TestUser } from './api.ts';
import { uniqueName } from './stack.ts';

export const FACTS: MediaFacts = {
  container: 'mp4',
  durationSec: 165.04,
  sizeBytes: 0,
  width: 1280,
  height: 720,
  fps: 29.97,
  rotation: 90,
  videoCodec: 'h264',
  audioCodec: 'aac',
  hasAudio: true,
  language: 'en',
  videoStreamIndex: 0,
  streams: [],
  isProgressive: null,
};

const INDEX = [
  'WEBVTT\n',
  '00:00:00.000 --> 00:01:00.000\nstoryboard.jpg#xywh=0,0,160,90\n',
  '00:01:00.000 --> 00:02:45.040\nstoryboard.jpg#xywh=160,0,160,90\n',
].join('\n');

export const PICTURES: { thumbnail: Buffer; sheet: Buffer; index: string } = {
  thumbnail: Buffer.from('the bytes of a thumbnail'),
  sheet: Buffer.from('the bytes of a sheet of pictures'),
  index: INDEX,
};

/** Uploads a video over HTTP. @returns its id */
export async function upload(api: TestApi, user: TestUser, bytes: Buffer, query = ''): Promise<string> {
  const answer = await api.call(`/v1/videos${query}`, {
    token: user.token,
    body: new Uint8Array(bytes),
    headers: { 'content-type': 'video/mp4' },
  });
  if (answer.status !== 202) throw new Error(`the upload was answered ${answer.status}`);
  return answer.body.id;
}

/** Plays the worker: writes through the records as it does, so that the rows are as they would be. */
export function playWorker(api: TestApi, videoId: string, run = 1) {
  const begin = async (name: StepName) => {
    const beginning = await api.db.steps.beginStep({ videoId, name, run });
    if (beginning.outcome !== 'go') throw new Error(`${name} did not begin: ${beginning.outcome}`);
    return { videoId, name, attempt: beginning.attempt };
  };
  const store = async (name: string, bytes: Buffer | string): Promise<{ key: string; sizeBytes: number }> => {
    const key = `assets/${videoId}/${uniqueName('a')}-${name}`;
    const path = join(api.config.DATA_DIR, uniqueName('made'));
    await writeFile(path, bytes);
    return { key, ...(await api.storage.put(key, path)) };
  };
  const picture = { width: 320, height: 180 };
  return {
    begin,
    complete: async (name: StepName, results: { facts?: MediaFacts; assets?: NewAsset[] } = {}) => {
      await api.db.steps.completeStep(await begin(name), results);
    },
    fail: async (name: StepName, code: string) => {
      await begin(name);
      const error = { code, message: `It is ${code}`, retryable: false };
      await api.db.steps.failStep({ videoId, name, run }, error);
    },
    skip: (name: StepName, code: string) =>
      api.db.steps.skipStep(
        { videoId, name, run },
        { code, message: `Skipped for ${code}`, retryable: false },
      ),
    thumbnail: async (bytes = PICTURES.thumbnail): Promise<NewAsset> => ({
      kind: 'thumbnail',
      contentType: 'image/jpeg',
      ...picture,
      ...(await store('thumbnail.jpg', bytes)),
    }),
    playback: async (bytes: Buffer): Promise<NewAsset> => ({
      kind: 'playback',
      contentType: 'video/mp4',
      ...picture,
      ...(await store('playback.mp4', bytes)),
    }),
    storyboard: async ({ sheet, index } = PICTURES): Promise<NewAsset[]> => [
      {
        kind: 'storyboard_image',
        contentType: 'image/jpeg',
        ...picture,
        ...(await store('storyboard.jpg', sheet)),
      },
      {
        kind: 'storyboard_index',
        contentType: 'text/vtt',
        width: null,
        height: null,
        ...(await store('storyboard.vtt', index)),
      },
    ],
  };
}

/** Uploads a video and plays its whole processing. @returns its id */
export async function makeReady(
  api: TestApi,
  user: TestUser,
  { bytes, query = '', facts = FACTS }: { bytes: Buffer; query?: string; facts?: MediaFacts },
): Promise<string> {
  const id = await upload(api, user, bytes, query);
  const worker = playWorker(api, id);
  await worker.complete('source');
  await worker.complete('probe', { facts });
  await worker.complete('thumbnail', { assets: [await worker.thumbnail()] });
  await worker.complete('storyboard', { assets: await worker.storyboard() });
  await worker.skip('transcript', 'no_transcriber');
  return id;
}
