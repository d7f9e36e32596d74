import assert from 'node:assert/strict';
import { mediaUnderTest, withFolder } from '../support/mediaAdapter.ts';
import { BOMB_NAMES, fixture } from '../support/mediaFixtures.ts';
import { takeThroughAll } from '../support/mediaSteps.ts';
import { watchMemory } from '../support/processes.ts';

const MAX_MEMORY_BYTES = 512 * 1024 * 1024;
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
        assert.ok(peakBytes > 0 && peakBytes < MAX_MEMORY_BYTES, `${Math.round(peakBytes / 1e6)} MB`);
        const next = await takeThroughAll(media, await fixture('noAudio'), folder);
        assert.deepEqual(Object.values(next), ['ok', 'ok', 'ok']);
      }));
  }
});
