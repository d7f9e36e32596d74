import type { PlayerPage } from '../sharePage.ts';
import { playerScripts } from './assets.ts';
import { type Html, html } from './html.ts';
import { icon } from './icons.ts';

/** Gives what is inside the player page: the player, and what the video is. */
export function renderPlayer(page: PlayerPage, basePath: string): Html {
  const { title, description, downloadUrl, state } = page;
  const shown = { ready: () => player(page, basePath), preparing: () => preparing(page), unavailable };
  return html`<main class="page">
${shown[state]()}
<header class="about">
<h1 dir="auto">${title}</h1>
${downloadUrl === null ? null : downloadLink(downloadUrl)}
</header>
${description === null || description.trim() === '' ? null : html`<p class="description" dir="auto">${description}</p>`}
</main>`;
}

/** Where everything of this share is, on the host that the page was opened by. */
const pathOf = ({ url }: PlayerPage): string => new URL(url).pathname;

/** Not marked as a download: a link that has ended leads to a page that says so. */
const downloadLink = (url: string): Html =>
  html`<a class="download" href="${url}">${icon('download')}<span>Download</span></a>`;

const preparing = (
  page: PlayerPage,
): Html => html`<section class="player" id="waiting" aria-label="Video player">
<div class="message" role="status"><p>This video is still being prepared. It will start here as soon as it is ready.</p></div>
${withoutScript(page)}
</section>`;

const unavailable = (): Html => html`<section class="player" aria-label="Video player">
<div class="message"><p>This video could not be prepared to be played. Ask the person who sent you the link about it.</p></div>
</section>`;

/**
 * The player's parts, all of them with their names. Own ones: media-chrome 4.19 writes <style> elements into its shadow roots, which
 * this page's policy refuses, and so do the others that come as elements.
 */
function player(page: PlayerPage, basePath: string): Html {
  const path = pathOf(page);
  return html`${playerScripts(basePath).map((script) => html`<link rel="modulepreload" href="${script}">`)}
<section class="player" id="player" aria-label="Video player" data-session="${path}/session" data-duration="${page.durationSec ?? 0}" data-title="${page.title}"${
    page.hasStoryboard ? html` data-storyboard="${path}/storyboard.vtt"` : null
  }>
<video class="picture" id="video" playsinline preload="none" width="${page.width ?? 16}" height="${page.height ?? 9}" aria-label="${page.title}"${
    page.hasPoster ? html` poster="${path}/poster.jpg"` : null
  }>
${page.captions && captionsTrack(page.captions, path)}
</video>
<canvas class="picture still" id="still" aria-hidden="true" hidden></canvas>
<div class="spinner" aria-hidden="true"></div>
<button class="start" id="start" type="button" aria-label="Play" hidden>${icon('play')}</button>
${controls(page)}
<div class="message" id="message" role="alert" hidden><p></p><button type="button" hidden>Try again</button></div>
${withoutScript(page)}
</section>`;
}

const languageNames = new Intl.DisplayNames(['en'], { type: 'language' });

/** In the words of the page, which speaks English. @returns null for what names no language */
function nameLanguage(tag: string): { tag: string; name: string } | null {
  try {
    const [language = ''] = Intl.getCanonicalLocales(tag);
    return { tag: language, name: languageNames.of(language) ?? language };
  } catch {
    return null;
  }
}

function captionsTrack({ language }: NonNullable<PlayerPage['captions']>, path: string): Html {
  const named = language === null ? null : nameLanguage(language);
  const spoken = named && html` srclang="${named.tag}"`;
  return html`<track kind="captions"${spoken} label="${named?.name ?? 'Captions'}" src="${path}/captions.vtt">`;
}

const controls = (page: PlayerPage): Html => html`<div class="controls" id="controls" hidden>
<div class="seek" id="seek" role="slider" tabindex="0" aria-label="Position in the video" aria-valuemin="0" aria-valuemax="${Math.floor(page.durationSec ?? 0)}" aria-valuenow="0">
<div class="preview" id="preview" aria-hidden="true" hidden><div class="cell"></div><span class="cell-time"></span></div>
<div class="rail"><div class="loaded"></div><div class="played"></div></div>
<div class="thumb"></div>
</div>
<div class="buttons">
<button class="control" id="play" type="button" aria-label="Play">${icon('play')}${icon('pause')}</button>
<button class="control" id="mute" type="button" aria-label="Mute">${icon('sound')}${icon('silence')}</button>
<input class="volume" id="volume" type="range" min="0" max="100" step="5" value="100" aria-label="Volume">
<p class="clock"><span id="now">0:00</span> / <span id="total">0:00</span></p>
${
  page.captions
    ? html`<button class="control" id="captions" type="button" aria-label="Captions" aria-pressed="false">${icon('captions')}</button>`
    : null
}
<button class="control" id="fullscreen" type="button" aria-label="Full screen">${icon('enlarge')}${icon('shrink')}</button>
</div>
</div>`;

const withoutScript = ({ downloadUrl }: PlayerPage): Html =>
  html`<noscript><div class="message"><p>This page needs JavaScript to play the video. Please switch it on and load the page again${
    downloadUrl === null ? null : html`, or <a href="${downloadUrl}">download the video</a>`
  }.</p></div></noscript>`;
