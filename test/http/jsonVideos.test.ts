import assert from 'node:assert/strict';
import { createSealer } from '../../src/secrets/sealing.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { dumpDatabase } from '../support/databaseDump.ts';
import { INNER_HOSTS, INNER_URLS } from '../support/innerAddresses.ts';
import { createLeakFinder } from '../support/leaks.ts';
import { type Canary, startCanary } from '../support/sources.ts';
import { uniqueName } from '../support/stack.ts';

const URL_WITH_SECRET = 'https://media.example.com/a/film.mp4?sig=very-secret#t=1';
const STORED_URL = 'https://media.example.com/a/film.mp4?sig=very-secret';

describe('videos by JSON', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
  });
  after(() => api?.close());

  const post = (json: unknown, options: CallOptions = {}): Promise<Answer> =>
    api.call('/v1/videos', { token: user.token, json, ...options });
  const fieldsOf = ({ body }: Answer): string[] =>
    body.errors?.map(({ path }: { path: string }) => path) ?? [];
  const startsOf = (id: string) =>
    api.flowCalls
      .filter(({ input }) => (input as { videoId?: string }).videoId === id)
      .map(({ command }) => command);

  describe('with a url', () => {
    it('are accepted, to be fetched, and their processing starts', async () => {
      const answer = await post({
        ...{
          url: URL_WITH_SECRET,
          title: 'A film',
          description: 'Of it',
          tags: ['a', 'b', 'a'],
          user_id: 'u1',
        },
        ...{ external_id: 'e1', process: ['thumbnail'], filename: 'film.mp4' },
      });
      assert.equal(answer.status, 202);
      const { body } = answer;
      assert.equal(answer.headers.get('location'), `http://videoflow.test/v1/videos/${body.id}`);
      const told = { title: body.title, tags: body.tags, user: body.user_id, filename: body.filename };
      assert.deepEqual(told, { title: 'A film', tags: ['a', 'b'], user: 'u1', filename: 'film.mp4' });
      assert.deepEqual([body.status, body.size_bytes, body.download_url], ['pending', null, null]);
      const steps = await api.call(`/v1/videos/${body.id}/steps`, { token: user.token });
      const names = steps.body.data.map(({ name }: { name: string }) => name);
      assert.deepEqual(names, ['source', 'probe', 'thumbnail', 'playback']);
      assert.deepEqual(startsOf(body.id), ['startProcessing']);
    });

    it('keep it to themselves: it is in no answer, no log and no kept answer', async () => {
      const key = uniqueName('key');
      const answer = await post({ url: URL_WITH_SECRET }, { headers: { 'Idempotency-Key': key } });
      const { id } = answer.body;
      const answers = [
        answer,
        await post({ url: URL_WITH_SECRET }, { headers: { 'Idempotency-Key': key } }),
        await api.call(`/v1/videos/${id}`, { token: user.token }),
        await api.call('/v1/videos', { token: user.token }),
        await post({ url: 'http://user:very-secret@media.example.com/' }),
        await post({ url: 'http://127.0.0.1/very-secret' }),
      ];
      assert.equal(answers[1]?.headers.get('idempotency-replayed'), 'true');
      assert.equal(answers[1]?.body.id, id);
      assert.deepEqual(startsOf(id), ['startProcessing']);
      const kept = await api.sql('select answer::text from idempotency_keys');
      const shown = JSON.stringify([answers.map(({ body }) => body), api.logLines(), api.flowCalls, kept]);
      assert.doesNotMatch(shown, /very-secret|media\.example\.com|\/a\/film/);
    });

    const storedAddress = async (id: string): Promise<string> => {
      const [row] = await api.sql('select source_url from videos where id = $1', [id]);
      return createSealer(api.config.ENCRYPTION_KEYS).open(row.source_url, `videos/${id}`);
    };

    it('are kept with their address sealed, which opens in its own row only', async () => {
      const [first, second] = [await post({ url: URL_WITH_SECRET }), await post({ url: URL_WITH_SECRET })];
      assert.equal(await storedAddress(first.body.id), STORED_URL);
      assert.equal(await storedAddress(second.body.id), STORED_URL);
      const leaks = createLeakFinder([
        { name: 'the place', text: 'media.example.com/a/film.mp4' },
        { name: 'the signature', text: 'film.mp4?sig=very-secret' },
      ]);
      const dump = await dumpDatabase(api.databaseUrl);
      assert.deepEqual(
        [...dump].flatMap(([table, text]) => leaks.find(table, text)),
        [],
      );
      const sealed = await api.sql('select source_url from videos where user_id = $1', [user.id]);
      assert.equal(new Set(sealed.map((row) => row.source_url)).size, sealed.length);
      await api.sql(
        'update videos a set source_url = b.source_url from videos b where a.id = $1 and b.id = $2',
        [first.body.id, second.body.id],
      );
      await assert.rejects(storedAddress(first.body.id), { code: 'secret_unreadable' });
    });

    it('fill the library entry with the same external_id, and are refused when there is a whole video', async () => {
      const names = { external_id: uniqueName('e'), user_id: 'u' };
      const entry = await post({ ...names, title: 'Planned' });
      const filled = await post({ ...names, url: URL_WITH_SECRET });
      assert.deepEqual([filled.status, filled.body.id, filled.body.title], [202, entry.body.id, 'Planned']);
      assert.equal(filled.body.status, 'pending');
      assert.equal(await storedAddress(entry.body.id), STORED_URL);
      assert.deepEqual(startsOf(entry.body.id), ['startProcessing']);
      assert.equal((await post({ ...names, url: URL_WITH_SECRET })).body.code, 'external_id_taken');
    });

    it('are refused at once when nothing may be fetched from there, in every form, and nobody hears of it', async () => {
      const canary: Canary = await startCanary([80, 443]);
      try {
        const urls = [...INNER_URLS, ...INNER_HOSTS.map((host) => `http://${host}/`)];
        assert.ok(urls.length >= 80);
        const before = await api.sql('select count(*) from videos');
        for (const url of urls) {
          const answer = await post({ url });
          assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_request'], url);
          assert.deepEqual(fieldsOf(answer), ['url'], url);
        }
        assert.deepEqual(await api.sql('select count(*) from videos'), before);
        assert.equal(canary.hits, 0);
      } finally {
        await canary.close();
      }
    });

    it('say the same of every inner address', async () => {
      const answers = await Promise.all(
        ['http://10.0.0.1/', 'http://10.0.0.1:22/', 'https://10.0.0.1:8443/x'].map((url) => post({ url })),
      );
      assert.equal(new Set(answers.map(({ body }) => body.errors[0].message)).size, 1);
    });

    it('are refused over the quota', async () => {
      const full = await startApi({ QUOTA_BYTES: '1' });
      try {
        const { token, id } = await full.makeUser();
        const send = () => full.call('/v1/videos', { token, json: { url: URL_WITH_SECRET } });
        assert.equal((await send()).status, 202);
        await full.sql("update videos set source_key = 'sources/x', size_bytes = 1 where user_id = $1", [id]);
        const answer = await send();
        assert.deepEqual([answer.status, answer.body.code], [403, 'quota_exceeded']);
      } finally {
        await full.close();
      }
    });
  });

  describe('without a url', () => {
    it('are library entries, which wait for their bytes', async () => {
      const answer = await post(
        { title: 'Planned', external_id: uniqueName('e') },
        { headers: { Prefer: 'wait=5' } },
      );
      assert.equal(answer.status, 201);
      assert.equal(answer.headers.get('location'), `http://videoflow.test/v1/videos/${answer.body.id}`);
      assert.equal(answer.body.status, 'awaiting_upload');
      const list = (query: string) => api.call(`/v1/videos?${query}`, { token: user.token });
      const ids = ({ body }: Answer) => body.data.map(({ id }: { id: string }) => id);
      assert.ok(!ids(await list('limit=100')).includes(answer.body.id));
      assert.ok(ids(await list('status=awaiting_upload')).includes(answer.body.id));
      assert.deepEqual(startsOf(answer.body.id), []);
    });

    it('are one for each external_id of a user_id', async () => {
      const names = { external_id: uniqueName('e'), user_id: 'u' };
      assert.equal((await post(names)).status, 201);
      const second = await post(names);
      assert.deepEqual([second.status, second.body.code], [409, 'external_id_taken']);
      assert.equal((await post({ ...names, user_id: 'other' })).status, 201);
    });

    it('are made once by requests with the same Idempotency-Key', async () => {
      const options = { headers: { 'Idempotency-Key': uniqueName('key') } };
      const first = await post({ title: 'Once' }, options);
      assert.equal((await post({ title: 'Once' }, options)).body.id, first.body.id);
      assert.equal((await post({ title: 'Twice' }, options)).body.code, 'idempotency_key_reused');
    });

    it('may say nothing at all, but nothing of steps, which come with the bytes', async () => {
      assert.equal((await post({})).body.title, 'Untitled video');
      assert.deepEqual(fieldsOf(await post({ process: ['thumbnail'] })), ['process']);
    });
  });

  it('are refused with wrong fields, fields in the address, and bodies that are no JSON', async () => {
    const wrong = { url: 7, tittle: 'x', tags: 'a', process: ['teleport'], title: '', filename: null };
    const paths = ['filename', 'process.0', 'tags', 'title', 'tittle', 'url'];
    assert.deepEqual(fieldsOf(await post(wrong)).sort(), paths);
    assert.deepEqual(fieldsOf(await post({ url: `https://example.com/${'x'.repeat(9000)}` })), ['url']);
    const stray = await api.call('/v1/videos?title=x', { token: user.token, json: {} });
    assert.deepEqual(fieldsOf(stray), ['title']);
    const broken = await api.call('/v1/videos', {
      ...{ token: user.token, body: '{"url":', headers: { 'content-type': 'application/json' } },
    });
    assert.deepEqual([broken.status, broken.body.code], [400, 'invalid_json']);
  });
});
