import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaFacts } from '../../../src/domain/media.ts';
import { MediaToolError } from '../../../src/errors.ts';
import { checkLimits, encodeLimits, refuseCutShort } from '../../../src/media/trim/limits.ts';
import { withFolder } from '../../support/mediaAdapter.ts';

const facts = { width: 1920, height: 1080, fps: 30 } as MediaFacts;
const range = (fromSec: number, toSec: number, seekSec = 0) => ({
  ...{ seekSec, fromSec, toSec, soundToSec: toSec, isOwnLine: false },
});

describe('the limits of a trim', () => {
  it('leave time for what is decoded before the range', () => {
    const [near, far] = [0, 3600].map((seekSec) => encodeLimits(facts, range(1, 11, seekSec)).wallClockSec);
    assert.ok((far as number) - (near as number) >= 3600);
  });

  it('leave room for a film within a slide show', () => {
    const { fileSizeBytes } = encodeLimits({ ...facts, fps: 0.93 }, range(0, 10));
    assert.ok(fileSizeBytes >= 10 * 60 * facts.width * facts.height);
  });

  it('leave time to read the whole result', () => {
    assert.ok(checkLimits(10 * 1024 ** 3).wallClockSec > 1000);
    assert.ok(checkLimits(0).wallClockSec >= 180);
  });

  it('refuse what was cut short at its limit', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'cut.mp4');
      await writeFile(path, Buffer.alloc(995));
      const limits = { wallClockSec: 1, cpuSec: 1 };
      await refuseCutShort(path, { ...limits, fileSizeBytes: 2000 });
      await assert.rejects(
        refuseCutShort(path, { ...limits, fileSizeBytes: 1000 }),
        (error) => error instanceof MediaToolError && error.code === 'media_tool_output_too_large',
      );
    }));
});
