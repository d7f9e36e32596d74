import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Conversation, createConversation } from '../http/tus/conversation.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady } from '../support/processedVideo.ts';
import { type Random, seededRandom } from '../support/stack.ts';
import { MIB, videoBytes } from '../support/uploading.ts';

const KIB = 1024;
const CASES = process.env.CAMPAIGN ? 200 : 4;
const WATCHED = videoBytes(MIB, 'watched');

describe('an upload to a disk of 8 MiB', () => {
  let disk: string;
  let isMounted = false;
  before(async function () {
    disk = await mkdtemp(join(tmpdir(), 'vf-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], { stdio: 'ignore' });
      isMounted = true;
    } catch {
      // Mounting needs root; without it the skip shows in the run's last line.
      this.skip();
    }
  });
  after(async () => {
    if (isMounted) execFileSync('umount', [disk]);
    await rm(disk, { recursive: true });
  });

  for (const [where, minFreeBytes] of [
    ['the last byte', 1],
    ['the floor', 512 * KIB],
  ] as const)
    describe(`that is full up to ${where}`, () => {
      let api: TestApi;
      let user: TestUser;
      let tus: Conversation;
      let watchedId: string;
      before(async () => {
        api = await startApi({ STORAGE_DIR: join(disk, 'storage'), MIN_FREE_BYTES: String(minFreeBytes) });
        user = await api.makeUser();
        tus = createConversation(api, user);
        watchedId = await makeReady(api, user, { bytes: WATCHED });
      });
      after(async () => {
        await api?.close();
        await rm(join(disk, 'storage'), { recursive: true, force: true });
      });

      const others = () => join(disk, 'others');
      /** Somebody else takes the space, but for so much. */
      async function leave(freeBytes: number): Promise<void> {
        const { bavail, bsize } = await statfs(disk);
        const file = await open(others(), 'a');
        await file.appendFile(Buffer.alloc(Math.max(0, bavail * bsize - minFreeBytes - freeBytes)));
        await file.close();
      }
      const giveSpace = () => rm(others(), { force: true });
      afterEach(giveSpace);

      async function assertReadable(path: string, offset: number): Promise<void> {
        assert.equal(await tus.offset(path), offset);
        const shown = await tus.show(path);
        assert.deepEqual([shown.state, shown.offset], ['open', offset]);
        const { status, body } = await api.call(`/v1/videos/${watchedId}/stream`, {
          token: user.token,
          headers: { range: 'bytes=1000-1999' },
        });
        assert.equal(status, 206);
        assert.equal(body, WATCHED.subarray(1000, 2000).toString());
      }

      async function survive(random: Random): Promise<void> {
        // More than there is in any case: the floor is looked at between pieces, and a short rest may pass through it.
        const bytes = videoBytes(random.int(1.5 * MIB, 2.5 * MIB), `full ${random.next()}`);
        const path = await tus.begin(bytes.length);
        const begun = random.int(0, bytes.length / 3);
        if (begun > 0) assert.equal((await tus.patch(path, 0, bytes.subarray(0, begun))).status, 204);
        await leave(random.int(0, 400) * KIB);
        let offset = begun;
        for (let attempt = 0; attempt < 2; attempt += 1) {
          const { status, body, headers } = await tus.patch(path, offset, bytes.subarray(offset));
          assert.deepEqual([status, body.code, body.retryable], [507, 'storage_full', true]);
          assert.ok(Number(headers.get('retry-after')) > 0);
          const reached = await tus.offset(path);
          assert.ok(reached >= offset && reached < bytes.length, `${offset}, then ${reached}`);
          offset = reached;
          await assertReadable(path, offset);
        }
        await leave(0);
        const created = await tus.post({ headers: { 'upload-length': '100000' } });
        assert.deepEqual([created.status, created.body.code], [507, 'storage_full']);
        await giveSpace();
        assert.equal((await tus.patch(path, offset, bytes.subarray(offset))).status, 204);
        const key = `sources/${path.split('/').at(-1)}`;
        const segments = await api.db.uploads.listSegments(path.split('/').at(-1) ?? '');
        await api.storage.join(key, segments);
        const stored = Buffer.concat(await (await api.storage.open(key)).toArray());
        assert.ok(stored.equals(bytes), 'what was told to be here is here');
        for (const gone of [key, ...segments.map((segment) => segment.key)]) await api.storage.remove(gone);
      }

      for (let n = 1; n <= CASES; n += 1)
        it(`is answered 507, keeps its offset true and resumes (${n})`, () =>
          survive(seededRandom(`full ${where} ${n}`)));

      it('is refused before it begins when what it announces does not fit', async () => {
        const { status, body } = await tus.post({ headers: { 'upload-length': String(9 * MIB) } });
        assert.deepEqual([status, body.code], [507, 'storage_full']);
        assert.equal((await tus.post({ headers: { 'upload-length': String(3 * MIB) } })).status, 201);
      });
    });
});
