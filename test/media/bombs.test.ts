import assert from 'node:assert/strict';
import { mediaUnderTest, withFolder } from '../support/mediaAdapter.ts';
import { BOMB_NAMES, fixture } from '../support/mediaFixtures.ts';
import { takeThroughAll } from '../support/mediaSteps.ts';
import { watchMemory, watchOwnProcess } from '../support/processes.ts';

const MEGABYTE = 1024 * 1024;
/** Well below what the pictures themselves would take, where the limit is to keep them from being decoded. */
const MAX_MEMORY_BYTES: Partial<Record<string, number>> = { hugePicture: 200 * MEGABYTE };
const MAX_MEMORY_OTHERS_BYTES = 512 * MEGABYTE;
const MAX_MS = 30_000;
/** What we read of a file ourselves is read in the worker, beside everybody's work. */
const MAX_OWN_BYTES = 200 * MEGABYTE;
const MAX_DELAY_MS = 750;

describe('media bombs', function () {
  this.timeout(60_000);
  let seenBytes = 0;

  for (const name of BOMB_NAMES) {
    it(`${name} costs neither time nor memory at any entry, and the next video passes`, () =>
      withFolder(async (folder) => {
        const path = await fixture(name);
        const { media } = mediaUnderTest();
        const memory = watchMemory(path);
        const own = watchOwnProcess();
        const startedAt = performance.now();
        const outcomes = await takeThroughAll(media, path, folder);
        const elapsedMs = performance.now() - startedAt;
        const peakBytes = memory.stop();
        seenBytes = Math.max(seenBytes, peakBytes);
        const { grownBytes, maxDelayMs } = own.stop();
        assert.ok(elapsedMs < MAX_MS, `${Math.round(elapsedMs)} ms, ${JSON.stringify(outcomes)}`);
        const maxBytes = MAX_MEMORY_BYTES[name] ?? MAX_MEMORY_OTHERS_BYTES;
        assert.ok(peakBytes < maxBytes, `${Math.round(peakBytes / 1e6)} MB`);
        assert.ok(grownBytes < MAX_OWN_BYTES, `we grew by ${Math.round(grownBytes / 1e6)} MB`);
        assert.ok(maxDelayMs < MAX_DELAY_MS, `we stood still for ${Math.round(maxDelayMs)} ms`);
        const next = await takeThroughAll(media, await fixture('noAudio'), folder);
        assert.deepEqual(Object.values(next), ['ok', 'ok', 'ok']);
      }));
  }

  // One that is refused within milliseconds is gone before a look at it.
  it('were watched at all', () => assert.ok(seenBytes > MEGABYTE));
});
