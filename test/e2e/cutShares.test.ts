import assert from 'node:assert/strict';
import { readdir, readlink, truncate } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { type ApiProcess, startApiProcess } from '../support/apiProcess.ts';
import { makeReady } from '../support/processedVideo.ts';
import { makeShare, openSession, type TestShare } from '../support/sharing.ts';
import { waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const MOST_MS = 5000;
/** As slow as a film is played: most of what is on its way then waits in the buffers of the system. */
const BYTES_PER_MS = MIB / 1000;

/** A player that takes bytes as slowly as it plays them. */
interface SlowReader {
  /** How many bytes have come. */
  count(): number;
  /** When it saw the end, on the clock of `performance`; never when all has come. */
  cutAt: Promise<number>;
  leave(): void;
}

function readSlowly(url: string): Promise<SlowReader> {
  return new Promise((resolve, reject) => {
    const asking = get(url, { agent: false }, (response) => {
      assert.equal(response.statusCode, 200);
      assert.equal(response.headers['content-length'], `${GIB}`);
      let count = 0;
      const startedAt = performance.now();
      const read = async (): Promise<number> => {
        try {
          for await (const chunk of response) {
            count += chunk.length;
            const dueMs = count / BYTES_PER_MS - (performance.now() - startedAt);
            if (dueMs > 1) await delay(dueMs);
          }
        } catch {
          return performance.now();
        }
        throw new Error(`it ended by itself after ${count} bytes`);
      };
      resolve({ count: () => count, cutAt: read(), leave: () => asking.destroy() });
    });
    asking.once('error', reject);
  });
}

describe('players that are running when their link ends', () => {
  let api: TestApi;
  let other: ApiProcess;
  let user: TestUser;

  before(async function () {
    this.timeout(60_000);
    api = await startApi();
    other = await startApiProcess(api);
    user = await api.makeUser();
  });
  after(async () => {
    await other?.stop();
    await api?.close();
  });

  /** A ready video of 1 GiB that takes no place on the disk. */
  const makeHuge = async (): Promise<string> => {
    const id = await makeReady(api, user, { bytes: videoBytes(1000, 'cut') });
    const [{ source_key }] = await api.sql('select source_key from videos where id = $1', [id]);
    await truncate(join(api.config.STORAGE_DIR, source_key), GIB);
    return id;
  };
  /** How many stored files this process, which is the API's too, holds open. */
  const openCount = async (): Promise<number> => {
    const links = (await readdir('/proc/self/fd')).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ''),
    );
    return (await Promise.all(links)).filter((target) => target.startsWith(api.config.STORAGE_DIR)).length;
  };
  const revokeAt = (url: string, { id }: TestShare) =>
    fetch(`${url}/v1/shares/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${user.token}` } });

  it('are cut within 5 s, by whichever process it ended, and let go of the file', async function () {
    this.timeout(60_000);
    const [kept, deleted] = [await makeHuge(), await makeHuge()];
    const ends: [string, string, (share: TestShare) => Promise<unknown>][] = [
      ['taken back here', kept, (share) => revokeAt(api.url, share)],
      ['taken back at another process', kept, (share) => revokeAt(other.url, share)],
      ['expired', kept, ({ id }) => api.sql(`update shares set expires_at = now() where id = $1`, [id])],
      [
        'without its video',
        deleted,
        () => api.call(`/v1/videos/${deleted}`, { method: 'DELETE', token: user.token }),
      ],
    ];
    const untouched = await readSlowly(api.url + (await openSession(api, await makeShare(api, user, kept))));
    const readers = await Promise.all(
      ends.map(async ([how, videoId, end]) => {
        const share = await makeShare(api, user, videoId);
        return {
          how,
          end: () => end(share),
          reader: await readSlowly(api.url + (await openSession(api, share))),
        };
      }),
    );
    await delay(500);
    assert.equal(await openCount(), ends.length + 1);
    await Promise.all(
      readers.map(async ({ how, end, reader }) => {
        assert.ok(reader.count() > 0, how);
        await end();
        const endedAt = performance.now();
        const afterMs = (await reader.cutAt) - endedAt;
        assert.ok(afterMs <= MOST_MS, `${how}: cut after ${Math.round(afterMs)} ms`);
        assert.ok(reader.count() < GIB / 4, `${how}: ${reader.count()} bytes had come`);
      }),
    );
    const before = untouched.count();
    await delay(300);
    assert.ok(untouched.count() > before, 'the others go on');
    untouched.leave();
    await untouched.cutAt;
    await waitFor(async () => (await openCount()) === 0, { what: 'the files to be closed' });
  });
});
