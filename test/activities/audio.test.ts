import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createAudioActivities } from '../../activities/audio.ts';
import type { ActivityDeps } from '../../activities/index.ts';
import { QuotaExceededError, type QuotaLimits } from '../../src/db/uploads.ts';
import type { MediaStream } from '../../src/domain/media.ts';
import { expectedAudioBytes } from '../../src/media/audioCommands.ts';
import { createScratch, type Scratch } from '../../src/media/scratch.ts';
import { keepingLog } from '../support/mediaAdapter.ts';
import { FACTS } from '../support/processedVideo.ts';

const INPUT = { videoId: 'v', userId: 'u', requestId: 'r', isUrgent: true };
const WAV_BYTES_PER_SEC = 192_000;

describe('making the sound of a video', () => {
  let dir: string;
  let scratch: Scratch;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vf-audio-'));
    scratch = createScratch({ dir, log: keepingLog().log });
  });
  after(async () => {
    await scratch.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  /** Silence that takes no room as long as it is FLAC. @returns what was fetched and rendered */
  async function makeWav(durationSec: number, quotaBytes: number): Promise<string[]> {
    const calls: string[] = [];
    const sound = { index: 1, type: 'audio', codec: 'flac', sampleRate: 384_000, channels: 2 };
    const streams = [sound as MediaStream];
    const video = { ...FACTS, id: 'v', sourceKey: 'sources/v', sizeBytes: 37_000, durationSec, streams };
    const deps = {
      ...{ config: { QUOTA_BYTES: quotaBytes }, log: keepingLog().log, scratch },
      db: {
        videos: { find: async () => video },
        sounds: { find: async () => null, record: async () => ({ unneededKeys: [] }) },
        uploads: {
          assertRoom: async (_: string, moreBytes: number, limits: QuotaLimits) => {
            if (moreBytes > limits.quotaBytes) throw new QuotaExceededError('full');
          },
        },
      },
      storage: { fetch: async () => calls.push('fetch'), put: async () => ({ sizeBytes: 1 }) },
      media: {
        expectedAudioBytes,
        renderAudio: async ({ outputPath }: { outputPath: string }) => {
          calls.push('render');
          await writeFile(outputPath, 'sound');
        },
      },
    } as unknown as ActivityDeps;
    const env = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
    const { makeSound } = createAudioActivities(deps);
    await env
      .run(() => makeSound({ ...INPUT, format: 'wav' }))
      .catch((error: { code?: string; type?: string }) => calls.push(error.code ?? error.type ?? 'unknown'));
    return calls;
  }

  it('is refused before any work where it will not fit into the quota', async () => {
    const needed = 3600 * WAV_BYTES_PER_SEC;
    assert.deepEqual(await makeWav(3600, needed), ['fetch', 'render']);
    assert.deepEqual(await makeWav(3600, needed - 1), ['quota_exceeded']);
  });

  it('is not begun where it will not fit onto the disk', async () => {
    const decadesSec = 1e10;
    assert.deepEqual(await makeWav(decadesSec, Number.MAX_SAFE_INTEGER), ['fetch', 'storage_full']);
  });
});
