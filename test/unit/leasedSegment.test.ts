import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Db } from '../../src/db/index.ts';
import type { Lease } from '../../src/db/uploadLeases.ts';
import { LeasedSegment, LeaseLostError } from '../../src/http/uploads/leasedSegment.ts';
import type { Storage } from '../../src/storage/storage.ts';

const MIB = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024);
const LEASE: Lease = { uploadId: 'u', holder: 'h', epoch: 1, segmentKey: 'uploads/u/1-h/' };

/** Something that is answered when the test says so. */
interface Asked<Question, Answer> {
  question: Question;
  answer: (answer: Answer) => void;
  fail: (error: Error) => void;
}

function askLater<Question, Answer>(asked: Asked<Question, Answer>[], question: Question): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  asked.push({ question, answer: resolve, fail: reject });
  return promise;
}

/** A segment whose storage and database do everything when they are told to. */
function makeSegment() {
  const writes: Asked<Buffer, void>[] = [];
  const syncs: Asked<null, number>[] = [];
  const advances: Asked<{ fromBytes: number; toBytes: number }, object | null>[] = [];
  const renewals: Asked<null, object | null>[] = [];
  const removed: string[] = [];
  const writer = {
    write: (bytes: Buffer) => askLater(writes, bytes),
    sync: () => askLater(syncs, null),
    close: async () => {},
  };
  const storage = {
    createSegment: async () => writer,
    remove: async (key: string) => void removed.push(key),
  } as unknown as Storage;
  const uploadLeases = {
    advance: (_lease: Lease, advance: { fromBytes: number; toBytes: number }) => askLater(advances, advance),
    renew: () => askLater(renewals, null),
  };
  const segment = new LeasedSegment({
    db: { uploadLeases } as unknown as Pick<Db, 'uploadLeases'>,
    storage,
    lease: LEASE,
    offsetBytes: 1000,
    expirySec: 60,
    onWritten: () => {},
  });
  return { segment, writes, syncs, advances, renewals, removed };
}

/** Lets everything happen that can. */
const settle = async () => {
  for (let turns = 0; turns < 20; turns += 1) await turn();
};

/** Sends chunks until the segment wants no more. @returns how many bytes it took */
async function sendUntilFull(
  segment: LeasedSegment,
  { mostBytes, meanwhile }: { mostBytes: number; meanwhile: () => void },
): Promise<number> {
  let sentBytes = 0;
  while (sentBytes < mostBytes) {
    let isTaken = false;
    void segment.write(CHUNK).then(
      () => {
        isTaken = true;
      },
      () => {},
    );
    sentBytes += CHUNK.length;
    await settle();
    meanwhile();
    await settle();
    if (!isTaken) break;
  }
  return sentBytes;
}

const answerAll = (writes: Asked<Buffer, void>[]) => {
  for (const { answer } of writes.splice(0)) answer();
};

describe('a segment under a lease', () => {
  it('takes no more than the storage does, but for a little', async () => {
    const { segment } = makeSegment();
    segment.beginCounting();
    const taken = await sendUntilFull(segment, { mostBytes: 20 * MIB, meanwhile: () => {} });
    assert.ok(taken <= MIB + CHUNK.length, `${taken} bytes`);
  });

  it('takes no more than a few MiB that are not durable', async () => {
    const { segment, writes, syncs } = makeSegment();
    segment.beginCounting();
    const taken = await sendUntilFull(segment, { mostBytes: 20 * MIB, meanwhile: () => answerAll(writes) });
    assert.equal(syncs.length, 1, 'a checkpoint is under way');
    assert.equal(taken, 3 * MIB);
  });

  it('counts what was synced, and nothing that was written since', async () => {
    const { segment, writes, syncs, advances } = makeSegment();
    segment.beginCounting();
    await sendUntilFull(segment, { mostBytes: 5 * MIB, meanwhile: () => answerAll(writes) });
    syncs[0]?.answer(3 * MIB);
    await settle();
    const { fromBytes, toBytes } = advances[0]?.question ?? {};
    assert.deepEqual([fromBytes, toBytes], [1000, 1000 + 3 * MIB]);
  });

  it('keeps its lease while a sync takes its time', async () => {
    const { segment, writes, renewals } = makeSegment();
    segment.beginCounting();
    await sendUntilFull(segment, { mostBytes: 4 * MIB, meanwhile: () => answerAll(writes) });
    void segment.tick();
    await settle();
    assert.equal(renewals.length, 1);
  });

  it('does not take its own end for a loss: a renewal that finds the upload complete waits for the news', async () => {
    const { segment, writes, syncs, advances, renewals } = makeSegment();
    segment.beginCounting();
    void segment.write(CHUNK);
    await settle();
    answerAll(writes);
    const finished = segment.finish();
    await settle();
    syncs[0]?.answer(CHUNK.length);
    await settle();
    const ticked = segment.tick();
    await settle();
    renewals[0]?.answer(null);
    await settle();
    advances[0]?.answer({ state: 'complete', isWanted: false });
    await Promise.all([finished, ticked]);
    assert.deepEqual([segment.failure, segment.state], [undefined, 'complete']);
  });

  it('stops at once when the lease is lost, and counts nothing afterwards', async () => {
    const { segment, writes, syncs, advances } = makeSegment();
    segment.beginCounting();
    await sendUntilFull(segment, { mostBytes: 3 * MIB, meanwhile: () => answerAll(writes) });
    syncs[0]?.answer(3 * MIB);
    await settle();
    advances[0]?.answer(null);
    await settle();
    await assert.rejects(segment.write(CHUNK), LeaseLostError);
    await segment.keepWhatCame();
    assert.deepEqual([syncs.length, advances.length], [1, 1]);
  });

  it('is removed when nothing of it counts', async () => {
    const { segment, writes, removed } = makeSegment();
    void segment.write(CHUNK);
    await settle();
    answerAll(writes);
    await segment.close();
    assert.deepEqual(removed, [LEASE.segmentKey]);
  });

  it('stays when it is not known whether anything of it counts', async () => {
    const { segment, writes, syncs, advances, removed } = makeSegment();
    segment.beginCounting();
    await sendUntilFull(segment, { mostBytes: 3 * MIB, meanwhile: () => answerAll(writes) });
    syncs[0]?.answer(3 * MIB);
    await settle();
    // The answer got lost; the change may have been made.
    advances[0]?.fail(new Error('Connection terminated'));
    await settle();
    await segment.close();
    assert.deepEqual(removed, []);
  });
});
