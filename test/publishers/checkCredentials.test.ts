import assert from 'node:assert/strict';
import type { Platform } from '../../src/domain/platform.ts';
import { createPublishers } from '../../src/publishers/index.ts';
import type { CredentialsAnswer } from '../../src/publishers/publisher.ts';
import { type Behaviour, notJson, serverError } from '../support/fakes/behaviours.ts';
import { createFlicRoutes, FlicWorld, flicUrl } from '../support/fakes/flic.ts';
import { type Fakes, startFakes } from '../support/fakes/server.ts';
import { createUploadPostRoutes, UploadPostWorld, uploadPostUrl } from '../support/fakes/uploadPost.ts';

const TIMEOUT_MS = 250;
/** With what addresses and JSON escape. */
const KEY = 'k3y/with+"quotes"=%41&<all>';

const answerOf = (status: number, body: unknown, headers = {}): Behaviour => ({
  ...{ kind: 'answer', status, body, headers },
});

/** What says neither yes nor no, and the word that it comes to. */
const UNCLEAR: [name: string, behaviour: Behaviour, why: RegExp][] = [
  ['is in trouble', serverError(), /^status_500$/],
  ['is gone at its edge', answerOf(504, '<html>Gateway</html>'), /^status_504$/],
  ['has nothing there', answerOf(404, '<html>Not found</html>'), /^status_404$/],
  ['finds fault with the request', answerOf(400, { success: false, message: 'no' }), /^status_400$/],
  ['answers with a page', notJson(), /^odd_answer$/],
  ['answers with nothing', answerOf(204, ''), /^odd_answer$/],
  ['answers with null', answerOf(200, null), /^odd_answer$/],
  ['answers with a list', answerOf(200, []), /^odd_answer$/],
  ['answers with something else', answerOf(200, { success: false, profile: 1, url: 1 }), /^odd_answer$/],
  ['answers at endless length', answerOf(200, `"${'x'.repeat(1_100_000)}"`), /^answer_too_long$/],
  ['hangs up', { kind: 'drop' }, /^ECONNRESET$/],
  ['hangs up halfway', { kind: 'cut' }, /^ECONNRESET$/],
  ['switches protocols', { kind: 'upgrading', isKept: true }, /^SWITCHED_PROTOCOLS$/],
  ['says nothing', { kind: 'hang' }, /^no_answer_in_time$/],
  ['says no more halfway', { kind: 'stall' }, /^no_answer_in_time$/],
];

for (const provider of ['upload_post', 'flic'] as const)
  describe(`credentials of ${provider}`, () => {
    let fakes: Fakes;
    let elsewhere: Fakes;
    const uploadPost = new UploadPostWorld();
    const flic = new FlicWorld();
    const settings = () => ({ UPLOAD_POST_BASE_URL: uploadPostUrl(fakes), FLIC_BASE_URL: flicUrl(fakes) });

    before(async () => {
      const routes = [...createUploadPostRoutes(uploadPost), ...createFlicRoutes(flic)];
      [fakes, elsewhere] = await Promise.all([startFakes({ routes }), startFakes({ routes })]);
      uploadPost.addProfile(KEY, 'ours', ['tiktok', 'x']);
      flic.tokens.add(KEY);
    });
    after(() => Promise.all([fakes.close(), elsewhere.close()]));
    afterEach(() => {
      fakes.reset();
      elsewhere.reset();
    });

    const check = (key = KEY, config = settings(), signal = new AbortController().signal) =>
      createPublishers({ config, answerTimeoutMs: TIMEOUT_MS })[provider].checkCredentials(
        { key, username: 'ours', platforms: provider === 'flic' ? ['flic'] : ['tiktok', 'x'] },
        signal,
      );

    it('are accepted, and sent where they belong alone', async () => {
      assert.deepEqual(await check(), { outcome: 'accepted', hasProfile: true, missing: [] });
      const [request] = fakes.requests;
      assert.equal(fakes.requests.length, 1);
      assert.equal(request?.key, KEY);
      assert.ok(!decodeURIComponent(request?.path ?? '').includes(KEY));
    });

    it('are accepted by a base address with slashes at its end', async () => {
      const { UPLOAD_POST_BASE_URL, FLIC_BASE_URL } = settings();
      const slashed = {
        UPLOAD_POST_BASE_URL: `${UPLOAD_POST_BASE_URL}//`,
        FLIC_BASE_URL: `${FLIC_BASE_URL}/`,
      };
      assert.equal((await check(KEY, slashed)).outcome, 'accepted');
    });

    it('are refused', async () => {
      assert.deepEqual(await check('another'), { outcome: 'refused' });
      for (const status of [401, 403]) {
        fakes.behave(answerOf(status, `No: ${KEY}`, { 'www-authenticate': 'x' }));
        assert.deepEqual(await check(), { outcome: 'refused' });
      }
    });

    it('are refused without being sent where no header can hold them', async () => {
      for (const key of ['', 'a b', 'a\nb', 'a\r\nx-other: 1', 'ä', 'a\u0000', 'x'.repeat(5000)])
        assert.deepEqual(await check(key), { outcome: 'refused' }, JSON.stringify(key));
      assert.equal(fakes.requests.length, 0);
    });

    for (const [name, behaviour, why] of UNCLEAR)
      it(`are neither accepted nor refused by one that ${name}`, async () => {
        fakes.behaveBy(() => behaviour);
        const answer = await check();
        assert.equal(answer.outcome, 'undetermined');
        assert.match(whyOf(answer), why);
      });

    it('are neither where nobody is', async () => {
      const gone = await startFakes({ routes: [] });
      await gone.close();
      const nowhere = { UPLOAD_POST_BASE_URL: uploadPostUrl(gone), FLIC_BASE_URL: flicUrl(gone) };
      assert.equal(whyOf(await check(KEY, nowhere)), 'ECONNREFUSED');
      const nameless = {
        UPLOAD_POST_BASE_URL: 'http://nowhere.invalid/api',
        FLIC_BASE_URL: 'http://nowhere.invalid',
      };
      assert.match(whyOf(await check(KEY, nameless)), /^(ENOTFOUND|EAI_AGAIN|no_answer_in_time)$/);
    });

    it('are asked about again no sooner than the provider wants', async () => {
      for (const status of [429, 503]) {
        fakes.behave(answerOf(status, {}, { 'retry-after': '7' }));
        assert.deepEqual(await check(), {
          ...{ outcome: 'undetermined', why: `status_${status}`, retryAfterMs: 7000 },
        });
      }
    });

    it('are brought nowhere by a redirect', async () => {
      for (const status of [301, 302, 303, 307, 308]) {
        const location = `${new URL(elsewhere.baseUrl).origin}/${encodeURIComponent(KEY)}`;
        fakes.behave(answerOf(status, KEY, { location }));
        assert.equal(whyOf(await check()), `status_${status}`);
      }
      assert.equal(elsewhere.requests.length, 0);
    });

    it('are in nothing that comes of them, whatever says them back', async () => {
      const headers = { 'x-debug': encodeURIComponent(KEY), 'retry-after': encodeURIComponent(KEY) };
      const bodies = [KEY, { message: KEY, code: KEY }, { [KEY]: KEY }, `<p>${KEY}</p>`];
      for (const status of [200, 302, 400, 401, 403, 404, 429, 500])
        for (const body of bodies) {
          fakes.behaveBy(() => answerOf(status, body, headers));
          const said = JSON.stringify(await check());
          for (const part of ['k3y', 'quotes']) assert.ok(!said.includes(part), `${status}: ${said}`);
        }
    });

    it('are no longer asked about once nobody wants to know', async () => {
      fakes.behaveBy(() => ({ kind: 'hang' }));
      const over = new AbortController();
      const asked = check(KEY, settings(), over.signal);
      setTimeout(() => over.abort(new Error('over')), 20);
      await assert.rejects(asked, /^Error: over$/);
      await assert.rejects(check(KEY, settings(), over.signal), /^Error: over$/);
      assert.equal(fakes.requests.length, 1);
    });
  });

describe('credentials of upload_post, and the profile', () => {
  const world = new UploadPostWorld();
  let fakes: Fakes;
  before(async () => {
    fakes = await startFakes({ routes: createUploadPostRoutes(world) });
    world.addProfile(KEY, 'ours', ['tiktok', 'instagram']);
  });
  after(() => fakes.close());
  afterEach(() => fakes.reset());

  const check = (username: string, platforms: Platform[] = ['tiktok'], key = KEY, path = '') =>
    createPublishers({
      config: { UPLOAD_POST_BASE_URL: uploadPostUrl(fakes) + path, FLIC_BASE_URL: 'http://unused.example' },
      answerTimeoutMs: TIMEOUT_MS,
    }).upload_post.checkCredentials({ key, username, platforms }, new AbortController().signal);
  const unknown: CredentialsAnswer = { outcome: 'accepted', hasProfile: false, missing: [] };
  const lacking = (...missing: Platform[]): CredentialsAnswer => ({
    ...{ outcome: 'accepted', hasProfile: true, missing },
  });

  it('are good for a profile with all that is wanted, or say what it lacks', async () => {
    assert.deepEqual(await check('ours', ['tiktok', 'instagram']), lacking());
    assert.deepEqual(
      await check('ours', ['youtube', 'tiktok', 'x', 'reddit']),
      lacking('youtube', 'x', 'reddit'),
    );
  });

  it('lack a platform whose connection has lapsed, and know X by both its names', async () => {
    const profile = world.addProfile(KEY, 'odd', ['twitter']);
    profile.social_accounts.tiktok = { username: 'a', display_name: 'a', reauth_required: true };
    profile.social_accounts.instagram = 'a name alone';
    profile.social_accounts.youtube = [] as never;
    assert.deepEqual(
      await check('odd', ['tiktok', 'instagram', 'x', 'youtube']),
      lacking('tiktok', 'youtube'),
    );
  });

  it('are good, and no profile is there', async () => {
    assert.deepEqual(await check('nobody'), unknown);
    assert.deepEqual(
      fakes.requests.map(({ path }) => path),
      ['/api/uploadposts/users/nobody', '/api/uploadposts/me'],
    );
  });

  it('ask for the profile of that name and for nothing else, whatever the name', async () => {
    for (const name of ['a/b', '../me', '?x=1', 'ours#x', '%2e%2e', 'a b', 'ünï', '😀', '"']) {
      world.addProfile(KEY, name, ['tiktok']);
      assert.deepEqual(await check(name), lacking(), name);
    }
    for (const name of ['.', '..']) assert.deepEqual(await check(name), unknown, name);
    const asked = fakes.requests.map(({ path }) => path);
    assert.deepEqual(asked.slice(-2), ['/api/uploadposts/me', '/api/uploadposts/me']);
  });

  it('are not said to be good, nor a profile to be missing, by a wrong address', async () => {
    assert.equal(whyOf(await check('ours', ['tiktok'], KEY, '/v2')), 'status_404');
  });

  it('are refused when that is found out at the second question', async () => {
    fakes.behave(answerOf(404, { success: false }));
    assert.deepEqual(await check('ours', ['tiktok'], 'another'), { outcome: 'refused' });
  });
});

describe('credentials of test', () => {
  it('are none, and good', async () => {
    const { test } = createPublishers({
      config: { UPLOAD_POST_BASE_URL: 'http://a.example', FLIC_BASE_URL: 'http://a.example' },
    });
    const question = { key: '', username: 'x', platforms: ['youtube'] as const };
    const answer = await test.checkCredentials(question, new AbortController().signal);
    assert.deepEqual(answer, { outcome: 'accepted', hasProfile: true, missing: [] });
  });
});

const whyOf = (answer: CredentialsAnswer): string =>
  answer.outcome === 'undetermined' ? answer.why : JSON.stringify(answer);
