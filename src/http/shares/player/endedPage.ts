import type { EndedPage } from '../sharePage.ts';
import { type Html, html } from './html.ts';

interface Words {
  title: string;
  /** What has happened. */
  what: string;
  /** What the reader can do now. */
  advice: string;
}

const WORDS: Readonly<Record<EndedPage['reason'], Words>> = {
  expired: {
    title: 'This link has expired',
    what: 'The video was shared for a limited time, and that time is over.',
    advice: 'If you still want to watch it, ask the person who sent you the link for a new one.',
  },
  revoked: {
    title: 'This link is no longer shared',
    what: 'The person who shared this video has taken the link back.',
    advice: 'If you think that is a mistake, ask them for a new one.',
  },
  used_up: {
    title: 'This link has been used up',
    what: 'The video was shared for a limited number of views, and there are none left.',
    advice: 'If you still want to watch it, ask the person who sent you the link for a new one.',
  },
  missing: {
    title: 'There is no video here',
    what: 'The link may have lost a part on its way to you, or the video has been deleted.',
    advice: 'Check that you have copied the whole address, or ask the person who sent it to you.',
  },
  no_download: {
    title: 'This video is not for download',
    what: 'The person who shared it lets you watch it, but not keep it.',
    advice: 'If you need the file, ask them for it.',
  },
  too_many: {
    title: 'Too much at once',
    what: 'More was asked for from your network in a short time than one link gives.',
    advice: 'Wait a minute, and load the page again.',
  },
};

/** Gives the page for a link that leads nowhere, or not now: what has happened, and what one can do about it. */
export function renderEnded(reason: EndedPage['reason']): { title: string; body: Html } {
  const { title, what, advice } = WORDS[reason];
  const body = html`<main class="notice">
<svg class="notice-picture" viewBox="0 0 96 64" width="96" height="64" aria-hidden="true" focusable="false"><rect x="2" y="2" width="92" height="60" rx="8"/><path d="M39 21v22l20-11z"/><path d="M14 58 82 6"/></svg>
<h1>${title}</h1>
<p>${what}</p>
<p>${advice}</p>
</main>`;
  return { title, body };
}
