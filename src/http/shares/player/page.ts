import type { RenderedPage, SharePage } from '../sharePage.ts';
import { assetPath } from './assets.ts';
import { renderEnded } from './endedPage.ts';
import { type Html, html } from './html.ts';
import { renderPlayer } from './playerPage.ts';
import { previewTags } from './previewTags.ts';

/** Everything from here and nothing inline: what a user wrote could not run even if it got past the escaping. */
const policyOf = (...fromHere: string[]): string =>
  [
    "default-src 'none'",
    ...['style-src', 'img-src', ...fromHere].map((kind) => `${kind} 'self'`),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const POLICY = policyOf('script-src', 'media-src', 'connect-src');
/** A page without a script needs no more. */
const STILL_POLICY = policyOf();

/** Beside that of every page; what is for phones comes last, since it takes back some of the others. */
const STYLES = ['player.css', 'seekBar.css', 'phone.css'];
const SCRIPTS = { ready: 'player.js', preparing: 'waiting.js', unavailable: null } as const;

/**
 * Gives the page for people at the address of a share: the player, or why there is none.
 *
 * @param basePath what our addresses begin with on their host, without a slash at the end: empty for most
 */
export function renderPage(page: SharePage, basePath: string): RenderedPage {
  if (page.kind === 'ended') {
    const { title, body } = renderEnded(page.reason);
    return { html: frame(basePath, { title, head: null, body }), contentSecurityPolicy: STILL_POLICY };
  }
  const script = SCRIPTS[page.state];
  const head = html`${STYLES.map((name) => html`<link rel="stylesheet" href="${assetPath(basePath, name)}">`)}
${previewTags(page)}
${script && html`<script type="module" src="${assetPath(basePath, script)}"></script>`}`;
  return {
    html: frame(basePath, { title: page.title, head, body: renderPlayer(page, basePath) }),
    contentSecurityPolicy: script ? POLICY : STILL_POLICY,
  };
}

interface PageParts {
  title: string;
  /** What only this page has in it. */
  head: Html | null;
  body: Html;
}

const frame = (basePath: string, { title, head, body }: PageParts): string =>
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
<link rel="icon" type="image/svg+xml" href="${assetPath(basePath, 'icon.svg')}">
<link rel="stylesheet" href="${assetPath(basePath, 'page.css')}">
${head}
</head>
<body>
${body}
</body>
</html>
`.text
  }`;
