import assert from 'node:assert/strict';
import { type Cue, toCues } from '../../src/domain/cues.ts';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';
import type { Tab } from '../support/devtools.ts';
import { play, useSharePages } from '../support/sharePages.ts';
import { ATTACKS } from '../support/spokenWords.ts';

/** The captions as the browser's own parser understands them. */
interface ShownCue extends Cue {
  /** The elements that it makes of the text. */
  tags: string[];
}

const SHOWN = `[...video.textTracks[0].cues].map((cue) => {
  const html = cue.getCueAsHTML();
  const all = [...html.querySelectorAll('*')];
  return {
    startMs: Math.round(cue.startTime * 1000),
    endMs: Math.round(cue.endTime * 1000),
    lines: html.textContent.split('\\n'),
    ...(all[0]?.title ? { speaker: all[0].title } : {}),
    tags: all.map(({ localName }) => localName),
  };
})`;

describe('captions in the player of a share, in a browser', function () {
  this.timeout(60_000);
  const here = useSharePages();

  const write = (segments: TranscriptSegment[], language: string | null = 'en') =>
    here.api.db.transcripts.add({ videoId: here.videoId, kind: 'edited', language, model: null, segments });
  const countTracks = (tab: Tab) =>
    tab.evaluate<number>('document.querySelectorAll("track, #captions").length');
  const switchOn = async (tab: Tab) => {
    await tab.click('#captions');
    await tab.until('video.textTracks[0].cues?.length > 0');
  };

  it('have no button where nothing is said', async () => {
    assert.equal(await countTracks(await here.open()), 0);
    await write([]);
    assert.equal(await countTracks(await here.open()), 0);
  });

  it('are switched on by their button, and show each text at its time, as text', async () => {
    await write(
      [
        { startSec: 1, endSec: 5, text: 'It is <b>not bold</b> &amp; <img src=x onerror="window.hacked=1">' },
        { startSec: 30, endSec: 32, text: 'Half a minute.', speaker: 'Ann & <i>Bob</i>' },
      ],
      'pt-br',
    );
    const tab = await here.open();
    await tab.until('video.currentSrc');
    const track = 'video.textTracks[0]';
    assert.deepEqual(
      await tab.evaluate(`[${track}.kind, ${track}.language, ${track}.label, ${track}.mode]`),
      ['captions', 'pt-BR', 'Brazilian Portuguese', 'disabled'],
    );
    await play(tab);
    await switchOn(tab);
    assert.equal(await tab.evaluate('captions.getAttribute("aria-pressed")'), 'true');
    const shown = (text: string) =>
      tab.until(
        `${track}.activeCues?.[0]?.getCueAsHTML().textContent.replace('\\n', ' ') === ${JSON.stringify(text)}`,
      );
    await tab.evaluate('video.pause(), video.currentTime = 2');
    await shown('It is <b>not bold</b> &amp; <img src=x onerror="window.hacked=1">');
    const withCaptions = await settledPicture(tab);
    await tab.press('c');
    assert.equal(await tab.evaluate(`${track}.mode`), 'disabled');
    assert.ok(!withCaptions.equals(await settledPicture(tab)), 'it is drawn over the picture');
    await tab.press('c');
    await tab.evaluate('video.currentTime = 10');
    await tab.until(`${track}.activeCues.length === 0 && !video.seeking`);
    await tab.evaluate('video.currentTime = 31');
    await shown('Half a minute.');
    assert.equal(
      await tab.evaluate(`${track}.activeCues[0].getCueAsHTML().firstChild.title`),
      'Ann & <i>Bob</i>',
    );
    assert.equal(await tab.evaluate('typeof window.hacked'), 'undefined');
  });

  it('are nothing but text for the parser of the browser, whatever was said', async () => {
    const segments = ATTACKS.map((text, index) => ({
      startSec: index,
      endSec: index + 1,
      text,
      speaker: text,
    }));
    await write(segments);
    const tab = await here.open();
    await tab.until('video.currentSrc');
    await switchOn(tab);
    const cues = await tab.evaluate<ShownCue[]>(SHOWN);
    for (const { tags } of cues)
      assert.ok(tags.length === 0 || (tags.length === 1 && tags[0] === 'span'), tags.join());
    assert.deepEqual(
      cues.map(({ tags: _, ...cue }) => cue),
      toCues(segments).map(({ speaker = '', ...cue }) => {
        const name = speaker.replace(/[\s-]+$/u, '');
        return name === '' ? cue : { ...cue, speaker: name };
      }),
    );
  });
});

/** The player once nothing moves in it any more. */
async function settledPicture(tab: Tab): Promise<Buffer> {
  for (let last = await tab.screenshot('#player'); ; ) {
    const next = await tab.screenshot('#player');
    if (next.equals(last)) return next;
    last = next;
  }
}
