import type { PlayerPage } from '../sharePage.ts';
import { type Html, html } from './html.ts';

/** About what the places that show links have room for. */
const MAX_SUMMARY_CHARACTERS = 200;

/** One line of a description; by characters as people see them, so that no emoji is cut in two. */
function summarize(description: string | null): string {
  const line = (description ?? '').replaceAll(/\s+/g, ' ').trim();
  const characters = [...new Intl.Segmenter('en').segment(line.slice(0, 4000))].map(({ segment }) => segment);
  if (characters.length <= MAX_SUMMARY_CHARACTERS) return characters.join('');
  return `${characters
    .slice(0, MAX_SUMMARY_CHARACTERS - 1)
    .join('')
    .trimEnd()}…`;
}

/**
 * What other places show of a link that is pasted there (https://ogp.me, and X's cards). No `og:video`: the bytes have no lasting
 * address, a player in a foreign frame is refused, and a link that is only shown must not count as a view.
 */
export function previewTags(page: PlayerPage): Html {
  const picture = page.hasPoster ? `${page.url}/poster.jpg` : null;
  const summary = summarize(page.description) || 'A video that was shared with you.';
  const durationSec = page.durationSec === null ? null : Math.max(1, Math.round(page.durationSec));
  return html`<meta name="description" content="${summary}">
<meta property="og:type" content="video.other">
<meta property="og:url" content="${page.url}">
<meta property="og:title" content="${page.title}">
<meta property="og:description" content="${summary}">
${durationSec === null ? null : html`<meta property="video:duration" content="${durationSec}">`}
${
  picture === null
    ? null
    : html`<meta property="og:image" content="${picture}">
<meta property="og:image:type" content="image/jpeg">
<meta property="og:image:alt" content="${`A picture from the video “${page.title}”`}">
<meta name="twitter:image" content="${picture}">`
}
<meta name="twitter:card" content="${picture === null ? 'summary' : 'summary_large_image'}">
<meta name="twitter:title" content="${page.title}">
<meta name="twitter:description" content="${summary}">`;
}
