import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { warnOfFewFiles } from '../../src/http/events/openFiles.ts';
import { createLog } from '../../src/log.ts';

describe('the limit of open files', () => {
  const warnings = async (streams: number, limit?: () => Promise<number | null>): Promise<number[]> => {
    const needed: number[] = [];
    const destination = new Writable({
      write: (chunk, _encoding, done) => {
        needed.push(JSON.parse(String(chunk)).needed);
        done();
      },
    });
    const log = createLog({ level: 'warn', program: 'test' }, destination);
    await warnOfFewFiles({ streams, log, ...(limit && { limit }) });
    return needed;
  };

  it('is told at the start when it allows too few connections', async () => {
    assert.deepEqual(await warnings(5000, async () => 1024), [5500]);
    assert.deepEqual(await warnings(5000, async () => 5500), []);
    assert.deepEqual(await warnings(5000, async () => null), []);
    // Read from the system itself.
    assert.deepEqual(await warnings(1), []);
    assert.deepEqual(await warnings(1e9), [1e9 + 500]);
  });
});
