import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { makeRingKey } from '../../src/config.ts';
import { createSigner, type SigningKey } from '../../src/secrets/signing.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady } from '../support/processedVideo.ts';
import { askRaw, makeShare, openSession, type TestShare, toLocal } from '../support/sharing.ts';
import { seededRandom } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(2000, 'signatures');
const random = seededRandom('shareSignatures');
const LINKS = process.env.CAMPAIGN ? 200 : 20;
const [YOUNG, OLD, GONE] = ['young', 'old', 'gone'].map(makeRingKey) as [string, string, string];
const toKey = (text: string): SigningKey => {
  const [id = '', encoded = ''] = text.split(':');
  return { id, bytes: Buffer.from(encoded, 'base64') };
};

describe('the signed addresses of shares', () => {
  let api: TestApi;
  let user: TestUser;
  let videoId: string;

  before(async () => {
    api = await startApi({ SIGNING_KEYS: `${YOUNG},${OLD}` });
    user = await api.makeUser();
    videoId = await makeReady(api, user, { bytes });
  });
  after(() => api.close());

  const codeOf = ({ body }: Answer) => body.code;
  const nowSec = () => Math.floor(Date.now() / 1000);
  /** Signs as the API does, but for what is given. */
  const sign = (
    share: TestShare,
    given: { keys?: SigningKey[]; file?: string; expiresSec?: number; signedShareId?: string } = {},
  ): string => {
    const { keys = [toKey(YOUNG)], file = 'stream', expiresSec = nowSec() + 60 } = given;
    const session = randomUUID();
    const signer = createSigner(keys, [given.signedShareId ?? share.id, session]);
    const signature = signer.sign(`${share.path}/${file}`, expiresSec);
    return `${share.path}/${file}?${new URLSearchParams({ session, ...signature })}`;
  };

  it(`are refused when any byte of one of ${LINKS} is changed`, async function () {
    this.timeout(LINKS * 3000);
    // All that a request line may carry, and more; `?` ends the path and is looked at below.
    const others = [...Array(256).keys()]
      .map((code) => String.fromCharCode(code))
      .filter((letter) => letter > ' ');
    let tried = 0;
    for (let link = 0; link < LINKS; link += 1) {
      const share = await makeShare(api, user, videoId, { allow_download: true });
      const isFile = link % 2 === 1;
      const signed = isFile
        ? toLocal(api, (await api.call(`${share.path}/download`)).headers.get('location') ?? '')
        : await openSession(api, share);
      const endOfHandle = share.path.length;
      const ask = async (position: number): Promise<void> => {
        const sent = signed[position];
        const isPageEnd = (letter: string) => position === endOfHandle && /[?#]/.test(letter);
        const other = random.pick(others.filter((letter) => letter !== sent && !isPageEnd(letter)));
        const tampered = signed.slice(0, position) + other + signed.slice(position + 1);
        const status = await askRaw(api.url, tampered);
        tried += 1;
        assert.ok(
          status === 0 || status >= 400,
          `${status} with ${JSON.stringify(other)} at ${position} of ${signed}`,
        );
      };
      const positions = [...[...signed].keys()];
      while (positions.length > 0) await Promise.all(positions.splice(0, 16).map(ask));
      assert.equal(await askRaw(api.url, signed), 200, 'as it was, it is good');
      const [{ views }] = await api.sql('select views from shares where id = $1', [share.id]);
      assert.equal(views, 1, 'no other request got bytes');
    }
    assert.ok(tried >= LINKS * 150, `${tried}`);
  });

  it('that a byte turns into the address of the page show the page, which needs no signature', async () => {
    const share = await makeShare(api, user, videoId);
    const signed = await openSession(api, share);
    const page = await api.call(signed.replace('/stream', '?stream'));
    assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
  });

  it('are refused when a part is missing, doubled, or one that is not known', async () => {
    const share = await makeShare(api, user, videoId);
    const signed = await openSession(api, share);
    const [path = '', query = ''] = signed.split('?');
    const parts = query.split('&');
    for (const part of parts) {
      const without = await api.call(`${path}?${parts.filter((other) => other !== part).join('&')}`);
      assert.deepEqual([without.status, codeOf(without)], [403, 'invalid_signature'], part);
      assert.equal((await api.call(`${signed}&${part}`)).status, 422);
    }
    assert.equal((await api.call(path)).status, 403);
    assert.equal((await api.call(`${signed}&x=1`)).status, 422);
  });

  it('are good for one file, share and session, and for reading only', async () => {
    const [share, other] = [
      await makeShare(api, user, videoId, { allow_download: true }),
      await makeShare(api, user, videoId, { allow_download: true }),
    ];
    const signed = await openSession(api, share);
    const session = new URL(signed, api.url).searchParams.get('session') ?? '';
    for (const path of [
      signed.replace('/stream', '/file'),
      signed.replace(share.handle, other.handle),
      signed.replace(session, randomUUID()),
      sign(share, { signedShareId: other.id }),
    ]) {
      const refused = await api.call(path);
      assert.deepEqual([refused.status, codeOf(refused)], [403, 'invalid_signature'], path);
    }
    for (const method of ['POST', 'PUT', 'DELETE'])
      assert.equal((await api.call(signed, { method })).status, 405, method);
    assert.equal((await api.call(sign(share))).status, 200);
    // An address of a video does not let a share in, nor the other way round.
    const { body } = await api.call(`/v1/videos/${videoId}`, { token: user.token });
    const ofVideo = new URL(body.stream_url).search;
    assert.equal((await api.call(`${share.path}/stream${ofVideo}&session=${session}`)).status, 403);
    assert.equal((await api.call(`/v1/videos/${videoId}/stream?${signed.split('?')[1]}`)).status, 403);
  });

  it('end, with a minute for clocks that differ', async () => {
    const share = await makeShare(api, user, videoId);
    for (const [agoSec, status] of [
      [55, 200],
      [62, 403],
      [3600, 403],
    ] as const)
      assert.equal(
        (await api.call(sign(share, { expiresSec: nowSec() - agoSec }))).status,
        status,
        `${agoSec}`,
      );
    const signed = await openSession(api, share);
    const extended = signed.replace(/expires=\d+/, `expires=${nowSec() + 9999}`);
    assert.equal((await api.call(extended)).status, 403);
  });

  it('are signed by the first key and good by all that are listed', async () => {
    const share = await makeShare(api, user, videoId);
    assert.match(await openSession(api, share), /&key=young&/);
    assert.equal((await api.call(sign(share, { keys: [toKey(OLD)] }))).status, 200);
    assert.equal((await api.call(sign(share, { keys: [toKey(GONE)] }))).status, 403);
    const disguised = { ...toKey(GONE), id: 'old' };
    assert.equal((await api.call(sign(share, { keys: [disguised] }))).status, 403);
    const relabelled = sign(share, { keys: [toKey(OLD)] }).replace('key=old', 'key=young');
    assert.equal((await api.call(relabelled)).status, 403);
  });
});
