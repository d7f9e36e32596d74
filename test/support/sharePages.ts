import assert from 'node:assert/strict';
import { startApi, type TestApi, type TestUser } from './api.ts';
import { findBrowser } from './browser.ts';
import { type Browser, startBrowser, type Tab, type TabOptions } from './devtools.ts';
import { makeWatchable } from './sharedVideo.ts';
import { makeShare, type TestShare } from './sharing.ts';

export const PHONE: TabOptions = { width: 390, height: 844, isPhone: true };

/** A browser before an API, and a link to a minute of video that is ready. */
export interface SharePages {
  readonly api: TestApi;
  readonly user: TestUser;
  readonly videoId: string;
  readonly share: TestShare;
  /** Opens the page of a link, the one that is there when none is given; the tab is closed after the test. */
  open(share?: Pick<TestShare, 'path'>, options?: TabOptions): Promise<Tab>;
}

/**
 * Sets the browser up for the tests of the `describe` that it is called in; they are skipped where there is none. No page may
 * have complained, or asked anybody but the API.
 */
export function useSharePages(): SharePages {
  const executable = findBrowser() ?? '';
  let browser: Browser;
  let tabs: Tab[] = [];
  const here = {
    open: async ({ path } = here.share, options = {}) => {
      const tab = await browser.open(here.api.url + path, options);
      tabs.push(tab);
      return tab;
    },
  } as { -readonly [Name in keyof SharePages]: SharePages[Name] };

  before(async function () {
    // The skip shows in the run's last line.
    if (executable === '') this.skip();
    [browser, here.api] = await Promise.all([startBrowser(executable), startApi()]);
    here.api.config.PUBLIC_URL = here.api.url;
    here.user = await here.api.makeUser();
    here.videoId = await makeWatchable(here.api, here.user);
    here.share = await makeShare(here.api, here.user, here.videoId);
  });
  afterEach(async () => {
    const opened = tabs;
    tabs = [];
    for (const tab of opened) {
      await tab.close();
      assert.deepEqual(tab.complaints, [], 'no error, and nothing that the policy refused');
      // Without scripts the browser draws buttons of its own.
      const foreign = tab.requests.filter(({ url }) => ![here.api.url, 'null'].includes(new URL(url).origin));
      assert.deepEqual(foreign, [], 'nothing from elsewhere');
    }
  });
  after(async () => {
    await Promise.all([browser?.close(), here.api?.close()]);
  });
  return here;
}

/** Whether the player plays, for the tab. */
export const isPlaying = 'video.readyState > 2 && !video.paused && video.currentTime > 0.2';
/** Plays the video of a tab. */
export const play = async (tab: Tab) => {
  await tab.until('video.currentSrc');
  await tab.click('#start');
  await tab.until(isPlaying);
};
/** Waits for a picture of the video, and gives the time it belongs to. */
export const nextPicture = (tab: Tab) =>
  tab.evaluate<number>(
    'new Promise((resolve) => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)))',
  );
/** Where the video stands, in seconds. */
export const timeOf = (tab: Tab) => tab.evaluate<number>('video.currentTime');
/** The requests for the bytes of the video. */
export const streamsOf = (tab: Tab) => tab.requests.filter(({ url }) => url.includes('/stream?'));
/** The requests for addresses of them. */
export const sessionsOf = (tab: Tab) => tab.requests.filter(({ url }) => /\/session(\?|$)/.test(url));
export const aboutEqual = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected} ± ${within}`);
