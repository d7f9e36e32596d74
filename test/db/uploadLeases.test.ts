import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import type { Lease } from '../../src/db/uploadLeases.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { seededRandom } from '../support/stack.ts';

const LENGTH = 1000;

describe('leases on uploads', () => {
  let api: TestApi;
  let userId: string;
  before(async () => {
    api = await startApi();
    userId = (await api.makeUser()).id;
  });
  after(() => api.close());

  const leases = () => api.db.uploadLeases;

  async function makeUpload(lengthBytes: number | null = LENGTH): Promise<string> {
    const id = newId();
    const video = {
      userLabel: null,
      externalId: null,
      title: 'x',
      description: null,
      tags: [],
      filename: null,
    };
    await api.db.transaction(({ uploads }) =>
      uploads.create(
        {
          id,
          userId,
          protocol: 'tus',
          lengthBytes,
          metadata: null,
          optionalSteps: [],
          expiresAt: new Date(Date.now() + 60_000),
          clientFileId: null,
          totalChunks: null,
          video,
        },
        { maxOpenUploads: 10_000, quotaBytes: 1e12 },
      ),
    );
    return id;
  }

  const row = async (id: string) => (await api.sql('select * from uploads where id = $1', [id]))[0];
  const segments = (id: string) =>
    api.sql('select number, key, size_bytes from upload_segments where upload_id = $1 order by number', [id]);
  const take = (uploadId: string, offsetBytes = 0, holder: string = newId()) =>
    leases().take({ uploadId, holder, offsetBytes });
  const mustTake = async (uploadId: string, offsetBytes = 0): Promise<Lease> => {
    const lease = await take(uploadId, offsetBytes);
    assert.ok(lease, 'the lease is free');
    return lease;
  };
  const advance = (lease: Lease, fromBytes: number, toBytes: number) =>
    leases().advance(lease, { fromBytes, toBytes, expirySec: 3600 });
  /** As time does. */
  const runOut = (id: string) =>
    api.sql(`update uploads set lease_until = now() - interval '1 millisecond' where id = $1`, [id]);

  it('are had by one of many who ask at once', async () => {
    const id = await makeUpload();
    const taken = await Promise.all(Array.from({ length: 10 }, () => take(id)));
    const won = taken.filter((lease) => lease !== null);
    assert.equal(won.length, 1);
    assert.equal((await row(id)).lease_holder, won[0]?.holder);
    assert.equal((await segments(id)).length, 1);
  });

  it('come with a segment under a key that nobody else has', async () => {
    const id = await makeUpload();
    const first = await mustTake(id);
    await leases().release(first);
    const second = await mustTake(id);
    assert.match(first.segmentKey, new RegExp(`^uploads/${id}/1-[\\da-f-]{36}/$`));
    assert.match(second.segmentKey, new RegExp(`^uploads/${id}/2-[\\da-f-]{36}/$`));
  });

  it('hold for five seconds by the clock of the database', async () => {
    const id = await makeUpload();
    await mustTake(id);
    const [{ left }] = await api.sql(
      'select extract(epoch from lease_until - clock_timestamp())::float as left from uploads where id = $1',
      [id],
    );
    assert.ok(left > 4 && left <= 5, `${left} s`);
  });

  const refusals: [string, (id: string) => Promise<unknown>, number][] = [
    ['while another holds it', (id) => mustTake(id), 0],
    ['at another offset', async () => {}, 1],
    ['of an ended upload', (id) => api.sql(`update uploads set state = 'terminated' where id = $1`, [id]), 0],
    ['of a complete upload', (id) => api.sql(`update uploads set state = 'complete' where id = $1`, [id]), 0],
    ['of an expired upload', (id) => api.sql('update uploads set expires_at = now() where id = $1', [id]), 0],
  ];
  for (const [when, prepare, offset] of refusals) {
    it(`are not given ${when}, and no trace of the question stays`, async () => {
      const id = await makeUpload();
      await prepare(id);
      const before = [await row(id), await segments(id)];
      assert.equal(await take(id, offset), null);
      assert.deepEqual([await row(id), await segments(id)], before);
    });
  }

  it('of a holder that died are free when they have run out', async () => {
    const id = await makeUpload();
    await mustTake(id);
    await runOut(id);
    assert.equal((await mustTake(id)).epoch, 2);
  });

  it('are free at once when they are let go', async () => {
    const id = await makeUpload();
    await leases().release(await mustTake(id));
    await mustTake(id);
  });

  it('count bytes into the offset and the segment together, and move the expiry on', async () => {
    const id = await makeUpload();
    const lease = await mustTake(id);
    assert.equal((await advance(lease, 0, 300))?.state, 'open');
    assert.equal((await advance(lease, 300, 450))?.state, 'open');
    const { offset_bytes, expires_at, completed_at } = await row(id);
    assert.equal(Number(offset_bytes), 450);
    assert.ok(expires_at.getTime() > Date.now() + 3500_000);
    assert.equal(completed_at, null);
    assert.deepEqual(
      (await segments(id)).map(({ size_bytes }) => Number(size_bytes)),
      [450],
    );
  });

  it('complete the upload with its last byte, in the same statement', async () => {
    const id = await makeUpload();
    const lease = await mustTake(id);
    assert.equal((await advance(lease, 0, LENGTH))?.state, 'complete');
    const { state, completed_at } = await row(id);
    assert.equal(state, 'complete');
    assert.ok(completed_at instanceof Date);
    assert.equal(await leases().renew(lease), null, 'nothing is left to be held');
  });

  it('change nothing from another offset than the one that is known', async () => {
    const id = await makeUpload();
    const lease = await mustTake(id);
    await advance(lease, 0, 300);
    assert.equal(await advance(lease, 0, 400), null);
    assert.equal(await advance(lease, 200, 400), null);
    assert.equal(Number((await row(id)).offset_bytes), 300);
    assert.equal(Number((await segments(id))[0].size_bytes), 300);
  });

  it('of a holder that was frozen are good for nothing once another has taken over', async () => {
    const id = await makeUpload();
    const frozen = await mustTake(id);
    await advance(frozen, 0, 100);
    await runOut(id);
    const living = await mustTake(id, 100);
    await advance(living, 100, 200);
    const before = [await row(id), await segments(id)];
    assert.equal(await advance(frozen, 100, 999), null);
    assert.equal(await advance(frozen, 200, 999), null);
    assert.equal(await leases().renew(frozen), null);
    assert.equal(await leases().setLength(frozen, 200), null);
    await leases().release(frozen);
    assert.deepEqual([await row(id), await segments(id)], before);
    assert.ok(await advance(living, 200, 300), 'the living one goes on');
  });

  it('of a holder that was frozen are good still while nobody wanted them', async () => {
    const id = await makeUpload();
    const lease = await mustTake(id);
    await runOut(id);
    assert.ok(await advance(lease, 0, 100));
    assert.equal(await take(id, 100), null, 'and hold again');
  });

  it('end with the upload: whoever still sends counts nothing more', async () => {
    const id = await makeUpload();
    const lease = await mustTake(id);
    assert.ok(await api.db.uploads.terminate(userId, id));
    assert.equal(await advance(lease, 0, 100), null);
    assert.equal(await leases().renew(lease), null);
  });

  it('tell their holder who wants them, until the wish is old', async () => {
    const id = await makeUpload();
    const lease = await mustTake(id);
    assert.equal((await leases().renew(lease))?.isWanted, false);
    await leases().want(id);
    assert.equal((await leases().renew(lease))?.isWanted, true);
    assert.equal((await advance(lease, 0, 1))?.isWanted, true);
    await api.sql(`update uploads set lease_wanted_at = now() - interval '4 seconds' where id = $1`, [id]);
    assert.equal((await leases().renew(lease))?.isWanted, false);
  });

  it('forget a wish when they change hands', async () => {
    const id = await makeUpload();
    const first = await mustTake(id);
    await leases().want(id);
    await leases().release(first);
    assert.equal((await leases().renew(await mustTake(id)))?.isWanted, false);
  });

  it('leave no segment behind of which nothing counts', async () => {
    const id = await makeUpload();
    await leases().release(await mustTake(id));
    const lease = await mustTake(id);
    await advance(lease, 0, 10);
    await leases().release(lease);
    assert.deepEqual(
      (await segments(id)).map(({ number }) => number),
      [2],
    );
  });

  it('set a length once, not below what is here', async () => {
    const id = await makeUpload(null);
    const lease = await mustTake(id);
    await advance(lease, 0, 300);
    assert.equal(await leases().setLength(lease, 299), null);
    assert.ok(await leases().setLength(lease, 500));
    assert.ok(await leases().setLength(lease, 500), 'the same one again');
    assert.equal(await leases().setLength(lease, 600), null);
    assert.equal(Number((await row(id)).length_bytes), 500);
    assert.equal((await row(id)).state, 'open');
  });

  it('complete the upload by its length, when all bytes are here', async () => {
    const id = await makeUpload(null);
    const lease = await mustTake(id);
    await advance(lease, 0, 300);
    assert.ok(await leases().setLength(lease, 300));
    assert.equal((await row(id)).state, 'complete');
  });

  it('make one gapless row of segments out of any muddle of holders', async () => {
    const random = seededRandom('leases');
    const id = await makeUpload();
    const held: { lease: Lease; at: number }[] = [];
    let offset = 0;
    const acts = [
      async () => {
        const lease = await take(id, offset);
        if (lease) held.push({ lease, at: offset });
      },
      () => runOut(id),
      async () => {
        if (held.length === 0) return;
        const one = random.pick(held);
        const to = one.at + random.int(1, 12);
        if (!(await advance(one.lease, one.at, to))) return;
        assert.equal(one.at, offset, 'only at the end');
        one.at = to;
        offset = to;
      },
      async () => {
        if (held.length > 0) await leases().release(random.pick(held).lease);
      },
    ];
    for (let round = 0; round < 100; round += 1) await random.pick([...acts, acts[2]])?.();
    const sum = (await segments(id)).reduce((total, { size_bytes }) => total + Number(size_bytes), 0);
    assert.equal(sum, offset);
    assert.equal(Number((await row(id)).offset_bytes), offset);
    assert.ok(offset > 20 && held.length > 3, `${offset} bytes, ${held.length} holders`);
  });
});
