import { cutText } from './cutText.ts';
import type { NoticedEvent } from './notice.ts';

/** https://core.telegram.org/bots/api#sendmessage: after entities are parsed; counted in UTF-16 units, the strictest reading. */
export const MAX_NOTICE_CHARS = 4096;
const MAX_TITLE_CHARS = 256;
const MAX_WORDS_CHARS = 1000;

/**
 * Control characters, and those that turn the direction of text or are not seen: C0, C1, Arabic letter mark, zero-width
 * space, marks, embeddings, isolates, invisible operators, BOM, interlinear annotation and tags. ZWJ and ZWNJ stay: they are parts of emoji and of words.
 */
const UNSHOWABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]+/gu;
/** More marks on one letter than any script has run over the lines around it. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** Gives a text from elsewhere as one line that stays in its place. Half characters become U+FFFD. */
export const toOneLine = (text: string, mostChars: number): string =>
  cutText(
    text.toWellFormed().replace(UNSHOWABLE, ' ').replace(PILED_MARKS, '$1').replace(/\s+/gu, ' ').trim(),
    mostChars,
  );

/** https://core.telegram.org/bots/api#html-style: these three, and the quote where it ends an attribute. */
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (mark) => ENTITIES[mark] ?? mark);

/** The texts that a user or a service gave go through here, and nowhere else. */
const given = (value: unknown, mostChars: number): string =>
  escapeHtml(typeof value === 'string' ? toOneLine(value, mostChars) : '');

const bold = (html: string): string => `<b>${html}</b>`;
const code = (html: string): string => `<code>${html}</code>`;

/** Why something failed, as views have it: a code and a sentence. */
function reasonOf({ error }: NoticedEvent['data']): string {
  const { code: name, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const words = given(message, MAX_WORDS_CHARS);
  return [words && `: ${words}`, given(name, 64) && ` (${code(given(name, 64))})`].join('');
}

function readyWords({ duration, width, height }: NoticedEvent['data']): string {
  const size = typeof width === 'number' && typeof height === 'number' ? `${width} × ${height}` : '';
  return ['✅ Ready', given(duration, 20), size].filter(Boolean).join(' · ');
}

const VIDEO_WORDS: Record<string, (data: NoticedEvent['data']) => string> = {
  awaiting_upload: () => 'Waits for its file',
  pending: () => '⏳ Waits to be processed',
  processing: () => '⏳ Is being processed',
  ready: readyWords,
  failed: (data) => `❌ Failed${reasonOf(data)}`,
  cancelled: () => 'Was cancelled',
};

const EDIT_WORDS: Record<string, (data: NoticedEvent['data']) => string> = {
  queued: () => '⏳ Waits to be made again',
  running: () => '⏳ Is being made again',
  waiting_retry: (data) => `⏳ Is to be tried again${reasonOf(data)}`,
  succeeded: () => '✅ Was made',
  failed: (data) => `❌ Failed${reasonOf(data)}`,
  cancelled: () => 'Was cancelled',
};

const EDIT_NAMES: Record<string, string> = { trim: 'Trim', merge: 'Merge' };

const DISABLED_WORDS: Record<string, string> = {
  gone: 'its receiver answered that it wants no more',
  failing: 'nothing could be delivered for too long',
};

/** The lines about each kind of object; those that are empty are left out. */
const LINES: Record<string, (event: NoticedEvent) => string[]> = {
  video: ({ type, data }) => [
    bold(given(data.title, MAX_TITLE_CHARS) || 'A video'),
    type === 'video.deleted' ? 'Was deleted' : (VIDEO_WORDS[String(data.status)]?.(data) ?? ''),
    code(given(data.id, 64)),
  ],
  edit: ({ type, data }) => [
    bold(`${EDIT_NAMES[String(data.kind)] ?? 'Edit'}: ${given(data.title, MAX_TITLE_CHARS)}`),
    EDIT_WORDS[type === 'edit.waiting_retry' ? 'waiting_retry' : String(data.status)]?.(data) ?? '',
    code(given(data.id, 64)),
  ],
  upload: ({ type, data }) => [
    bold('An upload'),
    type === 'upload.expired'
      ? 'Its time was over before all of it was here'
      : `❌ Was refused${reasonOf(data)}`,
    code(given(data.id, 64)),
  ],
  webhook: ({ data }) => [
    bold('A webhook was disabled'),
    DISABLED_WORDS[String(data.disabled_reason)] ?? given(data.disabled_reason, 64),
    code(given(data.id, 64)),
  ],
};

/** Gives what a message says about an event, in the HTML of Telegram; each text of a user's on a line of its own. */
export const noticeHtml = (event: NoticedEvent): string =>
  (LINES[event.objectType]?.(event) ?? [])
    .filter((line) => line !== '' && line !== '<code></code>')
    .join('\n');
