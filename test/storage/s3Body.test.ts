import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageUnavailableError } from '../../src/errors.ts';
import { watchBody } from '../../src/storage/s3Body.ts';

const STALLED_MS = 100;
const BLOCK = Buffer.alloc(64 * 1024, 1);

describe('the body of an object that is read', () => {
  it('fails when nothing comes although more is wanted', async () => {
    const body = new PassThrough();
    body.write(BLOCK);
    await assert.rejects(buffer(watchBody(body, STALLED_MS)), StorageUnavailableError);
    assert.ok(body.destroyed, 'its connection is given back');
  });

  it('fails when it ends before its end', async () => {
    const body = new PassThrough();
    body.write(BLOCK);
    const reading = buffer(watchBody(body, 10_000));
    body.destroy();
    await assert.rejects(reading, StorageUnavailableError);
  });

  it('waits for a reader that takes its time, in the middle and at the end', async () => {
    const blocks = 10;
    const body = new PassThrough();
    for (let number = 0; number < blocks; number++) body.write(BLOCK);
    body.end();
    let readBytes = 0;
    for await (const bytes of watchBody(body, STALLED_MS)) {
      readBytes += bytes.length;
      await delay(2 * STALLED_MS);
    }
    assert.equal(readBytes, blocks * BLOCK.length);
  });

  it('may fail before anybody reads it, and tells whoever begins to', async () => {
    const body = new PassThrough();
    const watched = watchBody(body);
    body.destroy(new Error('connection reset'));
    await delay(10);
    await assert.rejects(buffer(watched), StorageUnavailableError);
  });
});
