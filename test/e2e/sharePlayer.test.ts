import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { renderPage } from '../../src/http/shares/player/page.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { findBrowser } from '../support/browser.ts';
import { type Browser, startBrowser, type Tab, type TabOptions } from '../support/devtools.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { FACTS, playWorker, upload } from '../support/processedVideo.ts';
import { cellColor, makeWatchable } from '../support/sharedVideo.ts';
import { makeShare, type TestShare } from '../support/sharing.ts';

const PHONE: TabOptions = { width: 390, height: 844, isPhone: true };
/** Addresses are good for ten of them, and one more for clocks that differ. */
const MINUTE_MS = 60_000;
/** Lets the page's clock be moved, and counts how often the video was given another address. */
const CLOCK = `
  const real = Date.now;
  window.skewMs = 0;
  Date.now = () => real() + window.skewMs;`;

describe('the page of a share, in a browser', function () {
  this.timeout(60_000);
  const executable = findBrowser() ?? '';
  const realNow = Date.now;
  let browser: Browser;
  let api: TestApi;
  let user: TestUser;
  let videoId: string;
  let share: TestShare;
  let tabs: Tab[] = [];

  before(async function () {
    // The skip shows in the run's last line.
    if (executable === '') this.skip();
    [browser, api] = await Promise.all([startBrowser(executable), startApi()]);
    api.config.PUBLIC_URL = api.url;
    user = await api.makeUser();
    videoId = await makeWatchable(api, user);
    share = await makeShare(api, user, videoId);
  });
  afterEach(async () => {
    Date.now = realNow;
    const opened = tabs;
    tabs = [];
    for (const tab of opened) {
      await tab.close();
      assert.deepEqual(tab.complaints, [], 'no error, and nothing that the policy refused');
      // Without scripts the browser draws buttons of its own.
      const foreign = tab.requests.filter(({ url }) => ![api.url, 'null'].includes(new URL(url).origin));
      assert.deepEqual(foreign, [], 'nothing from elsewhere');
    }
  });
  after(async () => {
    await Promise.all([browser?.close(), api?.close()]);
  });

  const open = async ({ path }: Pick<TestShare, 'path'> = share, options: TabOptions = {}): Promise<Tab> => {
    const tab = await browser.open(api.url + path, options);
    tabs.push(tab);
    return tab;
  };
  const isPlaying = 'video.readyState > 2 && !video.paused && video.currentTime > 0.2';
  const play = async (tab: Tab) => {
    await tab.until('video.currentSrc');
    await tab.click('#start');
    await tab.until(isPlaying);
  };
  /** Waits for a picture of the video, and gives the time it belongs to. */
  const nextPicture = (tab: Tab) =>
    tab.evaluate<number>(
      'new Promise((resolve) => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)))',
    );
  const timeOf = (tab: Tab) => tab.evaluate<number>('video.currentTime');
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
  const streamsOf = (tab: Tab) => tab.requests.filter(({ url }) => url.includes('/stream?'));
  const sessionsOf = (tab: Tab) => tab.requests.filter(({ url }) => /\/session(\?|$)/.test(url));
  const aboutEqual = (actual: number, expected: number, within: number) =>
    assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected} ± ${within}`);

  it('plays when asked to, and loads nothing of the video before', async () => {
    const tab = await open();
    await tab.until('video.currentSrc');
    assert.equal(await tab.evaluate('document.querySelector("#total").textContent'), '1:00');
    assert.deepEqual(streamsOf(tab), []);
    const [before] = await api.sql('select views from shares where id = $1', [share.id]);
    assert.equal(before.views, 0);

    await play(tab);
    assert.equal(await tab.evaluate('Math.round(video.duration)'), 60);
    const first = await nextPicture(tab);
    await tab.until(`video.currentTime > ${first} + 0.3`);
    assert.ok((await nextPicture(tab)) > first);
    const [after] = await api.sql('select views from shares where id = $1', [share.id]);
    assert.equal(after.views, 1);
  });

  it('seeks by a click on the bar and by dragging, and shows the pictures of there', async () => {
    const tab = await open();
    await play(tab);
    await tab.click('#seek', 0.5);
    await tab.until('video.currentTime >= 29.5 && !video.seeking');
    aboutEqual(await nextPicture(tab), 30, 1.5);
    await tab.drag('#seek', 0.5, 0.9);
    await tab.until('video.currentTime >= 53 && !video.seeking');
    aboutEqual(await nextPicture(tab), 54, 1.5);
    // Before anything was played, too.
    const other = await open();
    await other.until('video.currentSrc');
    await other.click('#seek', 0.75);
    await other.until('video.readyState > 1 && !video.seeking');
    aboutEqual(await timeOf(other), 45, 0.5);
    assert.equal(await other.evaluate('video.paused'), true);
  });

  it('shows the picture of the place under the mouse', async () => {
    const tab = await open();
    await tab.until('video.currentSrc');
    for (const [x, second] of [
      [0.008, 0],
      [0.291, 17],
      [0.775, 46],
      [0.999, 59],
    ] as const) {
      await tab.hover('#seek', x);
      await tab.until('!preview.hidden && !document.querySelector(".cell").hidden');
      assert.equal(
        await tab.evaluate('document.querySelector(".cell-time").textContent'),
        `0:${String(second).padStart(2, '0')}`,
      );
      const color = await averageColor(tab, await tab.screenshot('.cell'));
      cellColor(second).forEach((part, at) => {
        aboutEqual(color[at] ?? 0, part, 6);
      });
      const [left, right] = await tab.evaluate<[number, number]>(
        '(({ left, right }) => [left, right])(preview.getBoundingClientRect())',
      );
      assert.ok(left >= 0 && right <= 960, 'inside the page');
    }
    await tab.drag('#seek', 0.3, 0.6, { hold: true });
    assert.equal(await tab.evaluate('preview.hidden'), false);
    await tab.hover('h1');
    assert.equal(streamsOf(tab).length, 0, 'no byte of the video for a preview');
  });

  it('is used by the keyboard', async () => {
    const tab = await open();
    await tab.until('video.currentSrc');
    await tab.press('k');
    await tab.until(isPlaying);
    await tab.press(' ');
    await tab.until('video.paused');
    const steps: [string, (before: number) => number][] = [
      ['5', () => 30],
      ['ArrowRight', (before) => before + 5],
      ['l', (before) => before + 10],
      ['ArrowLeft', (before) => before - 5],
      ['j', (before) => before - 10],
      ['0', () => 0],
    ];
    for (const [key, expected] of steps) {
      const before = await timeOf(tab);
      await tab.press(key);
      aboutEqual(await timeOf(tab), expected(before), 0.1);
    }
    await tab.press('m');
    await tab.until('video.muted && mute.getAttribute("aria-label") === "Unmute"');
    await tab.press('m');
    await tab.press('f');
    await tab.until('document.fullscreenElement === player');
    await tab.press('f');
    await tab.until('document.fullscreenElement === null');
  });

  it('is walked through by the tab key, with the focus in sight and the slider speaking', async () => {
    const tab = await open();
    await tab.until('video.currentSrc');
    const names: string[] = [];
    for (;;) {
      await tab.press('Tab');
      const focused = await tab.evaluate<{ name: string; outline: string } | null>(
        `(({ body, activeElement }) => activeElement === body ? null : { name: activeElement.getAttribute('aria-label'), outline: getComputedStyle(activeElement).outlineStyle })(document)`,
      );
      if (focused === null) break;
      names.push(focused.name);
      assert.equal(focused.outline, 'solid', focused.name);
      if (focused.name !== 'Position in the video') continue;
      await tab.press('End');
      aboutEqual(await timeOf(tab), 60, 0.1);
      await tab.press('Home');
      await tab.press('ArrowUp');
      aboutEqual(await timeOf(tab), 5, 0.1);
      const words = ['aria-valuenow', 'aria-valuemax', 'aria-valuetext'];
      assert.deepEqual(
        await tab.evaluate(`${JSON.stringify(words)}.map((name) => seek.getAttribute(name))`),
        ['5', '60', '5 seconds of 1 minute'],
      );
    }
    assert.deepEqual(names, ['Play', 'Position in the video', 'Play', 'Mute', 'Volume', 'Full screen']);
  });

  it('goes on past the end of an address: without a failed request, at the same time, playing', async () => {
    const once = await makeShare(api, user, videoId, { max_views: 1 });
    const tab = await open(once, { script: CLOCK });
    await play(tab);
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
      const tab = await open();
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

  it('plays what was clicked before it knew an address', async () => {
    const slow = `
      const real = fetch;
      window.fetch = async (...given) => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        return real(...given);
      };`;
    const tab = await open(share, { script: slow });
    await tab.press('5');
    await tab.click('#start');
    assert.equal(await tab.evaluate('video.currentSrc'), '');
    await tab.until('video.currentTime > 30.2 && video.readyState > 2 && !video.paused');
  });

  it('finds its way back when the connection was lost', async () => {
    const tab = await open();
    await play(tab);
    const offline = { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await tab.send('Network.emulateNetworkConditions', offline);
    await tab.press('7');
    await tab.until('!message.hidden');
    assert.match(await tab.evaluate('message.textContent'), /connection is lost/);
    await tab.send('Network.emulateNetworkConditions', { ...offline, offline: false });
    await tab.until('message.hidden && video.currentTime > 42.3 && !video.paused');
  });

  it('says so when the link is taken back under a running player', async () => {
    const other = await makeShare(api, user, videoId, { allow_download: true });
    const tab = await open(other);
    await play(tab);
    await api.call(`/v1/shares/${other.id}`, { method: 'DELETE', token: user.token });
    await tab.press('7');
    await tab.until('!message.hidden');
    assert.match(await tab.evaluate('message.textContent'), /taken back/);
    assert.equal(await tab.evaluate('video.paused && !video.hasAttribute("src") && controls.hidden'), true);
    assert.equal(await tab.evaluate('document.querySelector(".download")'), null, 'nor can it be kept');
  });

  it('says in words why a link does not work', async () => {
    const tab = await open({ path: '/s/nothing' }, PHONE);
    assert.equal(await tab.evaluate('document.querySelector("h1").textContent'), 'There is no video here');
    // The style sheet is there, and fits a phone.
    assert.equal(await tab.evaluate('getComputedStyle(document.querySelector("main")).display'), 'grid');
    assert.equal(await tab.evaluate('document.documentElement.scrollWidth'), 390);
  });

  it('waits for a video that is still being processed', async () => {
    const bytes = await readFile(await fixture('h264'));
    const id = await upload(api, user, bytes);
    const hasty = 'const real = setTimeout; window.setTimeout = (work, ms) => real(work, ms / 50);';
    const tab = await open(await makeShare(api, user, id), { script: hasty });
    assert.match(await tab.evaluate('waiting.innerText'), /still being prepared/);
    const worker = playWorker(api, id);
    await worker.complete('source');
    await worker.complete('probe', { facts: { ...FACTS, durationSec: 2 } });
    await tab.until('document.querySelector("#video")?.currentSrc');
  });

  it('fits on a phone, and is played with a finger', async () => {
    const tab = await open(share, PHONE);
    await tab.until('video.currentSrc');
    assert.equal(await tab.evaluate('document.documentElement.scrollWidth'), 390);
    const small = await tab.evaluate<string[]>(
      `[...document.querySelectorAll('button, a, [role=slider]')].filter((part) => part.offsetWidth > 0 && (part.offsetWidth < 36 || part.offsetHeight < 36)).map((part) => part.id)`,
    );
    assert.deepEqual(small, [], 'large enough for a finger');
    await tab.tap('#start');
    await tab.until(isPlaying);
    await tab.tap('#seek', 0.5);
    await tab.until('video.currentTime >= 29 && !video.seeking');
    assert.equal(await tab.evaluate('preview.hidden'), true);
    await tab.send('Emulation.setDeviceMetricsOverride', {
      ...{ width: 844, height: 390, deviceScaleFactor: 2, mobile: true },
    });
    await tab.until('innerWidth === 844');
    const [scroll, bottom] = await tab.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, player.getBoundingClientRect().bottom]',
    );
    assert.ok(scroll === 844 && bottom <= 390, 'the whole player is in sight when the phone is turned');
  });

  it('runs nothing that somebody wrote into the title or the description', async () => {
    const attack = `"'></title></script><script>window.hacked=1</script><img src=x onerror="window.hacked=1"><svg onload=hacked=1>`;
    const json = { title: attack, description: `${attack}\njavascript:hacked=1` };
    await api.call(`/v1/videos/${videoId}`, { method: 'PATCH', token: user.token, json });
    const tab = await open(await makeShare(api, user, videoId, { allow_download: true }));
    await play(tab);
    assert.equal(await tab.evaluate('typeof window.hacked'), 'undefined');
    assert.equal(await tab.evaluate('document.querySelector("h1").textContent'), attack);
    assert.equal(await tab.evaluate('document.title'), attack);
    assert.equal(await tab.evaluate('document.querySelectorAll("script, img").length'), 1);
  });

  it('shows captions where there are some', async () => {
    const tab = await open();
    const { html, contentSecurityPolicy } = renderPage(
      {
        kind: 'player',
        url: api.url + share.path,
        title: 'Spoken',
        description: null,
        state: 'ready',
        durationSec: 60,
        width: 640,
        height: 360,
        hasPoster: true,
        hasStoryboard: true,
        hasCaptions: true,
        downloadUrl: null,
      },
      '',
    );
    await tab.intercept({
      [share.path]: {
        body: html,
        headers: { 'content-type': 'text/html', 'content-security-policy': contentSecurityPolicy },
      },
      [`${share.path}/captions.vtt`]: {
        body: 'WEBVTT\n\n00:00.000 --> 01:00.000\nHello there\n',
        headers: { 'content-type': 'text/vtt' },
      },
    });
    await tab.send('Page.reload');
    await tab.until('document.querySelector("#captions") && video.currentSrc');
    await tab.press('k');
    await tab.press('c');
    await tab.until('video.textTracks[0].activeCues?.length === 1');
    assert.equal(await tab.evaluate('captions.getAttribute("aria-pressed")'), 'true');
    await tab.press('c');
    assert.equal(await tab.evaluate('video.textTracks[0].mode'), 'disabled');
  });

  it('tells those without scripts how to see the video', async () => {
    const tab = await open(await makeShare(api, user, videoId, { allow_download: true }), {
      isScriptless: true,
    });
    const [words, link, controls] = await tab.evaluate<[string, string, boolean]>(
      `(({ innerText, children: [p] }) => [innerText, p.querySelector('a').href, document.querySelector('.controls').offsetHeight > 0])(document.querySelector('noscript .message'))`,
    );
    assert.match(words, /needs JavaScript/);
    assert.match(link, /\/download$/);
    assert.equal(controls, false, 'nothing that would not work');
  });
});

/** The average colour of a picture, which the browser itself decodes. */
function averageColor(tab: Tab, png: Buffer): Promise<number[]> {
  return tab.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob(${JSON.stringify(png.toString('base64'))}), (sign) => sign.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 8, 8, bitmap.width - 16, bitmap.height - 16, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  })()`);
}
