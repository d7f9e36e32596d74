import assert from 'node:assert/strict';
import { mediaUnderTest, withFolder } from '../support/mediaAdapter.ts';
import { BOMB_NAMES, fixture } from '../support/mediaFixtures.ts';
import { takeThroughAll } from '../support/mediaSteps.ts';
import { watchMemory } from '../support/processes.ts';

const MEGABYTE = 1024 * 1024;
/** Well below what the pictures themselves would take, where the limit is to keep them from being decoded. */
const MAX_MEMORY_BYTES: Partial<Record<string, number>> = { hugePicture: 200 * MEGABYTE };
const MAX_MEMORY_OTHERS_BYTES = 512 * MEGABYTE;
const MAX_MS = 30_000;

describe('media bombs', function () {
  this.timeout(60_000);

  for (const name of BOMB_NAMES) {
    it(`${name} costs neither time nor memory at any entry, and the next video passes`, () =>
      withFolder(async (folder) => {
        const path = await fixture(name);
        const { media } = mediaUnderTest();
        const memory = watchMemory(path);
        const startedAt = performance.now();
        const outcomes = await takeThroughAll(media, path, folder);
        const elapsedMs = performance.now() - startedAt;
        const peakBytes = memory.stop();
        assert.ok(elapsedMs < MAX_MS, `${Math.round(elapsedMs)} ms, ${JSON.stringify(outcomes)}`);
        const maxBytes = MAX_MEMORY_BYTES[name] ?? MAX_MEMORY_OTHERS_BYTES;
        assert.ok(peakBytes > 0 && peakBytes < maxBytes, `${Math.round(peakBytes / 1e6)} MB`);
        const next = await takeThroughAll(media, await fixture('noAudio'), folder);
        assert.deepEqual(Object.values(next), ['ok', 'ok', 'ok']);
      }));
  }
});
