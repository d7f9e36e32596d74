import type { PlayerPage, RenderedPage, SharePage } from '../sharePage.ts';
import { assetPath } from './assets.ts';
import { renderEnded } from './endedPage.ts';
import { type Html, html } from './html.ts';
import { renderPlayer } from './playerPage.ts';
import { previewTags } from './previewTags.ts';

/** Everything from here and nothing inline: what a user wrote could not run even if it got past the escaping. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A page without a script needs no more. */
const STILL_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Gives the page for people at the address of a share: the player, or why there is none. */
export function renderPage(page: SharePage): RenderedPage {
  if (page.kind === 'ended') {
    const { title, body } = renderEnded(page.reason);
    return { html: frame(title, null, body), contentSecurityPolicy: STILL_POLICY };
  }
  return {
    html: frame(page.title, playerHead(page), renderPlayer(page)),
    contentSecurityPolicy: POLICY,
  };
}

const playerHead = (page: PlayerPage): Html => html`${previewTags(page)}
<script type="module" src="${assetPath(page.isReady ? 'player.js' : 'waiting.js')}"></script>`;

/** @param head what only this page has in it */
const frame = (title: string, head: Html | null, body: Html): string =>
  `${
    html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f6f4" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#141517" media="(prefers-color-scheme: dark)">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" type="image/svg+xml" href="${assetPath('icon.svg')}">
<link rel="stylesheet" href="${assetPath('player.css')}">
${head}
</head>
<body>
${body}
</body>
</html>
`.text
  }`;
