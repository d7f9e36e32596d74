import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PLACED, planTests } from '../../src/local/testLanes.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const others = Array.from({ length: 40 }, (_, n) => `test/new/${String(n).padStart(2, '0')}.test.ts`);

describe('the lanes of the tests', () => {
  it('hold every file once, also those that nobody knows of', () => {
    const files = [...others, ...PLACED];
    const { together, alone } = planTests(files);
    assert.ok(alone.length > 0 && alone.every((file) => PLACED.includes(file)));
    assert.deepEqual([...together, ...alone].sort(), files.sort());
  });

  it('have the others run beside those that wait, each kind with its longest first', () => {
    const waiting = ['test/e2e/workerKilled.test.ts', 'test/workflows/outsideTrouble.test.ts'];
    const busy = 'test/media/trim/edges.test.ts';
    const { together } = planTests([...waiting, ...others, busy]);
    assert.deepEqual(
      together.filter((file) => !waiting.includes(file)),
      [busy, ...others],
    );
    assert.equal(together.indexOf('test/workflows/outsideTrouble.test.ts'), 0);
    // After its 100 s, in which the other lane has gone through the busy one and some of those that take 3 s.
    assert.equal(together.indexOf('test/e2e/workerKilled.test.ts'), 2 + Math.ceil((100 - 35) / 3));
  });

  it('know no file that is gone', () => {
    assert.deepEqual(
      PLACED.filter((file) => !existsSync(ROOT + file)),
      [],
    );
  });
});
