import assert from 'node:assert/strict';
import type { TestApi } from '../../support/api.ts';
import type { Conversation, Statement } from './conversation.ts';

const SIZE = 5000;
/** IMF-fixdate of RFC 9110, section 5.6.7. */
const HTTP_DATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

const expires = ({ headers }: { headers: Headers }) => headers.get('upload-expires') ?? '';

/** Lets an upload's time run out. */
async function expire(tus: Conversation, api: TestApi, path: string): Promise<void> {
  const { id } = await tus.show(path);
  await api.sql(`update uploads set expires_at = now() - interval '1 second' where id = $1`, [id]);
}

const afterwards = (
  what: string,
  ask: (tus: Conversation, path: string) => ReturnType<Conversation['ask']>,
) =>
  [
    `${what} after the expiry gets 410, whether anybody has cleaned up yet or not`,
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      await expire(tus, api, path);
      assert.equal((await ask(tus, path)).status, 410);
      const { id } = await tus.show(path);
      await api.sql(`update uploads set state = 'expired', ended_at = now() where id = $1`, [id]);
      assert.equal((await ask(tus, path)).status, 410);
    },
  ] satisfies Statement;

export const expiration: readonly Statement[] = [
  [
    'the answer to a creation tells Upload-Expires as an HTTP date',
    async (tus) => {
      const answer = await tus.post({ headers: { 'upload-length': String(SIZE) } });
      assert.match(expires(answer), HTTP_DATE);
      const leftSec = (Date.parse(expires(answer)) - Date.now()) / 1000;
      assert.ok(leftSec > 24 * 3600 - 60 && leftSec <= 24 * 3600, `${leftSec} s`);
    },
  ],
  [
    'the answer to every PATCH of an unfinished upload tells it',
    async (tus) => {
      const path = await tus.begin(SIZE);
      for (const from of [0, 1000]) {
        const answer = await tus.patch(path, from, tus.bytes(SIZE).subarray(from, from + 1000));
        assert.match(expires(answer), HTTP_DATE);
      }
    },
  ],
  ['HEAD tells it', async (tus) => assert.match(expires(await tus.head(await tus.begin(SIZE))), HTTP_DATE)],
  [
    'a complete upload does not expire, and says so',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      assert.equal(expires(await tus.patch(path, 0, tus.bytes(SIZE))), '');
      assert.equal(expires(await tus.head(path)), '');
      await expire(tus, api, path);
      assert.equal((await tus.head(path)).status, 200);
    },
  ],
  [
    'the expiry moves on with every byte',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      const { id } = await tus.show(path);
      await api.sql(`update uploads set expires_at = now() + interval '60 seconds' where id = $1`, [id]);
      const before = Date.parse(expires(await tus.head(path)));
      const after = Date.parse(expires(await tus.patch(path, 0, tus.bytes(1))));
      assert.ok(after - before > 23 * 3600 * 1000);
    },
  ],
  afterwards('PATCH', (tus, path) => tus.patch(path, 0, tus.bytes(100))),
  afterwards('HEAD', (tus, path) => tus.head(path)),
  afterwards('DELETE', (tus, path) => tus.remove(path)),
  [
    'GET still tells what became of it',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      await expire(tus, api, path);
      assert.equal((await tus.show(path)).state, 'expired');
    },
  ],
];
