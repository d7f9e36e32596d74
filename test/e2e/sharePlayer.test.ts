import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Tab } from '../support/devtools.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { FACTS, playWorker, upload } from '../support/processedVideo.ts';
import { cellColor } from '../support/sharedVideo.ts';
import {
  aboutEqual,
  isPlaying,
  nextPicture,
  PHONE,
  play,
  streamsOf,
  timeOf,
  useSharePages,
} from '../support/sharePages.ts';
import { makeShare } from '../support/sharing.ts';

describe('the page of a share, in a browser', function () {
  this.timeout(60_000);
  const here = useSharePages();

  it('plays when asked to, and loads nothing of the video before', async () => {
    const tab = await here.open();
    await tab.until('video.currentSrc');
    assert.equal(await tab.evaluate('document.querySelector("#total").textContent'), '1:00');
    assert.deepEqual(streamsOf(tab), []);
    const [before] = await here.api.sql('select views from shares where id = $1', [here.share.id]);
    assert.equal(before.views, 0);

    await play(tab);
    assert.equal(await tab.evaluate('Math.round(video.duration)'), 60);
    const first = await nextPicture(tab);
    await tab.until(`video.currentTime > ${first} + 0.3`);
    assert.ok((await nextPicture(tab)) > first);
    const [after] = await here.api.sql('select views from shares where id = $1', [here.share.id]);
    assert.equal(after.views, 1);
  });

  it('seeks by a click on the bar and by dragging, and shows the pictures of there', async () => {
    const tab = await here.open();
    await play(tab);
    await tab.click('#seek', 0.5);
    await tab.until('video.currentTime >= 29.5 && !video.seeking');
    aboutEqual(await nextPicture(tab), 30, 1.5);
    await tab.drag('#seek', 0.5, 0.9);
    await tab.until('video.currentTime >= 53 && !video.seeking');
    aboutEqual(await nextPicture(tab), 54, 1.5);
    // Before anything was played, too.
    const other = await here.open();
    await other.until('video.currentSrc');
    await other.click('#seek', 0.75);
    await other.until('video.readyState > 1 && !video.seeking');
    aboutEqual(await timeOf(other), 45, 0.5);
    assert.equal(await other.evaluate('video.paused'), true);
  });

  it('shows the picture of the place under the mouse', async () => {
    const tab = await here.open();
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
    const tab = await here.open();
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
    const tab = await here.open();
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

  it('fits on a phone, and is played with a finger', async () => {
    const tab = await here.open(here.share, PHONE);
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

  it('says in words why a link does not work', async () => {
    const tab = await here.open({ path: '/s/nothing' }, PHONE);
    assert.equal(await tab.evaluate('document.querySelector("h1").textContent'), 'There is no video here');
    // The style sheet is there, and fits a phone.
    assert.equal(await tab.evaluate('getComputedStyle(document.querySelector("main")).display'), 'grid');
    assert.equal(await tab.evaluate('document.documentElement.scrollWidth'), 390);
  });

  it('waits for a video that is still being processed', async () => {
    const bytes = await readFile(await fixture('h264'));
    const id = await upload(here.api, here.user, bytes);
    const hasty = 'const real = setTimeout; window.setTimeout = (work, ms) => real(work, ms / 50);';
    const tab = await here.open(await makeShare(here.api, here.user, id), { script: hasty });
    assert.match(await tab.evaluate('waiting.innerText'), /still being prepared/);
    const worker = playWorker(here.api, id);
    await worker.complete('source');
    await worker.complete('probe', { facts: { ...FACTS, durationSec: 2 } });
    await tab.until('document.querySelector("#video")?.currentSrc');
  });

  it('runs nothing that somebody wrote into the title or the description', async () => {
    const attack = `"'></title></script><script>window.hacked=1</script><img src=x onerror="window.hacked=1"><svg onload=hacked=1>`;
    const json = { title: attack, description: `${attack}\njavascript:hacked=1` };
    await here.api.call(`/v1/videos/${here.videoId}`, { method: 'PATCH', token: here.user.token, json });
    const tab = await here.open(await makeShare(here.api, here.user, here.videoId, { allow_download: true }));
    await play(tab);
    assert.equal(await tab.evaluate('typeof window.hacked'), 'undefined');
    assert.equal(await tab.evaluate('document.querySelector("h1").textContent'), attack);
    assert.equal(await tab.evaluate('document.title'), attack);
    assert.equal(await tab.evaluate('document.querySelectorAll("script, img").length'), 1);
  });

  it('tells those without scripts how to see the video', async () => {
    const tab = await here.open(
      await makeShare(here.api, here.user, here.videoId, { allow_download: true }),
      {
        isScriptless: true,
      },
    );
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
