import assert from 'node:assert/strict';
import type { Tab } from '../support/devtools.ts';
import {
  aboutEqual,
  nextPicture,
  play,
  sessionsOf,
  streamsOf,
  timeOf,
  useSharePages,
} from '../support/sharePages.ts';
import { makeShare } from '../support/sharing.ts';

/** Addresses are good for ten of them, and one more for clocks that differ. */
const MINUTE_MS = 60_000;
/** Lets the page's clock be moved. */
const CLOCK = `
  const real = Date.now;
  window.skewMs = 0;
  Date.now = () => real() + window.skewMs;`;

/** Counts who waits for the connection. */
const LISTENERS = `
  const { addEventListener: add, removeEventListener: remove } = window;
  window.listening = 0;
  const change = (by, act) => (type, ...given) => {
    if (type === 'online') window.listening += by;
    return act.call(window, type, ...given);
  };
  Object.assign(window, { addEventListener: change(1, add), removeEventListener: change(-1, remove) });`;

describe('the player of a share that is open for long, in a browser', function () {
  this.timeout(60_000);
  const here = useSharePages();
  const realNow = Date.now;
  afterEach(() => {
    Date.now = realNow;
  });

  const countLoads = (tab: Tab) =>
    tab.evaluate(`
      window.loads = 0;
      window.stillSeen = false;
      video.addEventListener('loadstart', () => {
        window.loads += 1;
        window.stillSeen = !still.hidden && still.width === 640;
      });`);
  /** A place in the middle: to read the index, which is at the end of the file, the browser reads some of the last seconds, too. */
  const isLoadedAt = (tab: Tab, sec: number) =>
    tab.evaluate<boolean>(
      `Array.from({ length: video.buffered.length }, (_, at) => at).some((at) => video.buffered.start(at) <= ${sec} && ${sec} <= video.buffered.end(at))`,
    );
  /** A browser may hold bytes of a place that it does not call loaded: it seeks until it has to ask. Gives the time. */
  const seekUntilReloaded = async (tab: Tab): Promise<number> => {
    for (const tenth of [7, 3, 5, 8, 4, 6]) {
      await tab.press(String(tenth));
      await tab.until('window.loads > 0 || (video.readyState > 2 && !video.seeking)');
      if ((await tab.evaluate<number>('window.loads')) > 0) return tenth * 6;
    }
    throw new Error('the browser needed no bytes');
  };

  it('plays what was clicked before it knew an address', async () => {
    const slow = `
      const real = fetch;
      window.fetch = async (...given) => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        return real(...given);
      };`;
    const tab = await here.open(here.share, { script: slow });
    await tab.press('5');
    await tab.click('#start');
    assert.equal(await tab.evaluate('video.currentSrc'), '');
    await tab.until('video.currentTime > 30.2 && video.readyState > 2 && !video.paused');
  });

  it('goes on past the end of an address: without a failed request, at the same time, playing', async () => {
    const once = await makeShare(here.api, here.user, here.videoId, { max_views: 1 });
    const tab = await here.open(once, { script: CLOCK });
    await play(tab);
    await tab.until('video.buffered.length > 0 && video.buffered.end(0) > video.currentTime + 3');
    await countLoads(tab);
    Date.now = () => realNow() + 15 * MINUTE_MS;
    await tab.evaluate(`window.skewMs = ${15 * MINUTE_MS}`);
    // What is loaded, or about to be, is played on.
    const before = await timeOf(tab);
    await tab.until(`video.currentTime > ${before} + 0.5`);
    assert.equal(await tab.evaluate('window.loads'), 0);

    assert.equal(await isLoadedAt(tab, 42), false);
    await tab.press('7');
    await tab.until('video.currentTime > 42.3 && video.readyState > 2 && !video.paused');
    aboutEqual(await nextPicture(tab), await timeOf(tab), 0.5);
    assert.equal(await tab.evaluate('window.loads'), 1);
    // The last picture stood there in the meantime, and no black or the poster.
    assert.equal(await tab.evaluate('window.stillSeen'), true);
    await tab.until('still.hidden');
    const [first, second] = sessionsOf(tab);
    assert.equal(sessionsOf(tab).length, 2);
    assert.equal(first?.url.includes('?session='), false);
    assert.match(second?.url ?? '', /\?session=[\da-f-]{36}$/, 'the same view goes on');
    assert.deepEqual(
      streamsOf(tab).filter(({ status }) => status !== null && status >= 400),
      [],
    );
  });

  for (const isPaused of [false, true])
    it(`goes on where an address was refused that should still have been good, ${isPaused ? 'paused' : 'playing'}`, async () => {
      const tab = await here.open();
      await play(tab);
      if (isPaused) await tab.evaluate('video.pause()');
      await countLoads(tab);
      Date.now = () => realNow() + 15 * MINUTE_MS;
      const sec = await seekUntilReloaded(tab);
      await tab.until('window.loads === 1 && video.readyState > 2 && !video.seeking && !video.error');
      assert.ok(streamsOf(tab).some(({ status }) => status === 403));
      await tab.until('still.hidden');
      assert.equal(await tab.evaluate('window.stillSeen'), true);
      if (isPaused) {
        assert.deepEqual(await tab.evaluate('[video.paused, video.currentTime]'), [true, sec]);
        await tab.press('k');
      }
      await tab.until(`!video.paused && video.currentTime > ${sec + 0.3}`);
    });

  it('finds its way back when the connection was lost', async () => {
    const tab = await here.open(here.share, { script: LISTENERS });
    await play(tab);
    const offline = { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await tab.send('Network.emulateNetworkConditions', offline);
    await tab.press('7');
    await tab.until('!message.hidden');
    assert.match(await tab.evaluate('message.textContent'), /connection is lost/);
    await tab.send('Network.emulateNetworkConditions', { ...offline, offline: false });
    await tab.until('message.hidden && video.currentTime > 42.3 && !video.paused');
    assert.equal(await tab.evaluate('window.listening'), 0, 'nothing is left of the waiting');
  });

  it('says so when the link is taken back under a running player', async () => {
    const other = await makeShare(here.api, here.user, here.videoId, { allow_download: true });
    const tab = await here.open(other);
    await play(tab);
    await here.api.call(`/v1/shares/${other.id}`, { method: 'DELETE', token: here.user.token });
    await tab.press('7');
    await tab.until('!message.hidden');
    assert.match(await tab.evaluate('message.textContent'), /taken back/);
    assert.equal(await tab.evaluate('video.paused && !video.hasAttribute("src") && controls.hidden'), true);
    assert.equal(await tab.evaluate('document.querySelector(".download")'), null, 'nor can it be kept');
  });

  it('sees by itself that the link was taken back, while it plays what it has loaded', async () => {
    const other = await makeShare(here.api, here.user, here.videoId);
    const tab = await here.open(other, { script: CLOCK });
    await play(tab);
    assert.equal(sessionsOf(tab).length, 1);
    await tab.evaluate('window.skewMs = 13_000');
    await tab.until(`video.currentTime > ${await timeOf(tab)} + 0.5`);
    assert.equal(sessionsOf(tab).length, 2);
    assert.match(sessionsOf(tab).at(-1)?.url ?? '', /\?session=/, 'the same view goes on');
    assert.equal(await tab.evaluate('message.hidden'), true);
    await here.api.call(`/v1/shares/${other.id}`, { method: 'DELETE', token: here.user.token });
    await tab.evaluate('window.skewMs = 26_000');
    await tab.until('!message.hidden', 1500);
    assert.match(await tab.evaluate('message.textContent'), /taken back/);
    assert.equal(await tab.evaluate('video.paused && !video.hasAttribute("src")'), true);
  });
});
