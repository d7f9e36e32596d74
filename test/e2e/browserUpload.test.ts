import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { findBrowser, openSite, type Site } from '../support/browser.ts';
import { MIB, readArrived } from '../support/uploading.ts';

describe('a page of another origin, in a browser', function () {
  this.timeout(120_000);
  const browser = findBrowser() ?? '';
  let site: Site;
  let strangers: Site;
  let api: TestApi;
  let user: TestUser;

  before(async function () {
    // The skip shows in the run's last line.
    if (browser === '') this.skip();
    [site, strangers] = await Promise.all([openSite(), openSite()]);
    api = await startApi({ CORS_ORIGINS: site.origin });
    api.config.PUBLIC_URL = api.url;
  });
  beforeEach(async () => {
    user = await api.makeUser();
  });
  after(async () => {
    await Promise.all([site?.close(), strangers?.close(), api?.close()]);
  });

  const visit = (work: string, from = site) => from.visit(browser, { api: api.url, token: user.token, work });

  async function assertArrived({ url, sha256, error }: Record<string, unknown>): Promise<void> {
    assert.equal(error, undefined);
    const id = String(url).split('/').at(-1) ?? '';
    const { state, offset, length, video_id } = (await api.call(`/v1/uploads/${id}`, { token: user.token }))
      .body;
    assert.deepEqual([state, offset, length], ['complete', 7 * MIB, 7 * MIB]);
    const video = (await api.call(`/v1/videos/${video_id}`, { token: user.token })).body;
    assert.equal(video.filename, 'strand ☀.mp4');
    const arrived = await readArrived(api, id);
    assert.equal(createHash('sha256').update(arrived).digest('hex'), sha256);
  }

  it('uploads by tus-js-client, in pieces', async () => {
    await assertArrived(await visit('tus'));
  });

  it('resumes by tus-js-client from what the browser stored', async () => {
    const report = await visit('resume');
    await assertArrived(report);
    assert.equal(report.pauses, 1);
    assert.ok(Number(report.firstOffset) >= 2 * MIB, `went on at ${report.firstOffset}`);
  });

  it('uploads by Uppy, and reads why a file is refused', async () => {
    const report = await visit('uppy');
    await assertArrived(report);
    const refused = report.refused as string[];
    assert.equal(refused.length, 1);
    assert.match(refused[0] ?? '', /unsupported_media/);
  });

  it('can read why it was refused', async () => {
    const { head, status, type, requestId, body, error } = await visit('problem');
    assert.equal(error, undefined);
    assert.equal(head, 404);
    assert.equal(status, 400);
    assert.equal(type, 'application/problem+json');
    assert.equal((body as { code: string }).code, 'invalid_header');
    assert.equal((body as { request_id: string }).request_id, requestId);
  });

  for (const work of ['tus', 'problem'])
    it(`can do nothing when its origin is not allowed (${work})`, async () => {
      const { error } = await visit(work, strangers);
      assert.match(String(error), /Failed to fetch|failed to create upload/);
      const [{ count }] = await api.sql('select count(*)::int from uploads where user_id = $1', [user.id]);
      assert.equal(count, 0);
    });
});
