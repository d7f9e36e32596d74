import assert from 'node:assert/strict';
import type { NoticedEvent } from '../../src/domain/notice.ts';
import { MAX_NOTICE_CHARS, noticeHtml, toOneLine } from '../../src/domain/noticeText.ts';
import { parseTelegramHtml } from '../support/fakes/telegramHtml.ts';
import { seededRandom } from '../support/stack.ts';

const ID = '01a1fcc3-b906-7071-a82d-b5032f01439d';
const event = (data: Record<string, unknown>, type = 'video.ready', objectType = 'video'): NoticedEvent => ({
  ...{ id: ID, type, objectType, objectId: ID },
  data: { id: ID, status: 'ready', ...data },
});
const read = (of: NoticedEvent) => parseTelegramHtml(noticeHtml(of));

const SEEDS = [
  '<b>bold</b>',
  '</b>',
  '<',
  '>',
  '&',
  '&amp;',
  '&lt;script&gt;',
  '<script>alert(1)</script>',
  '<a href="tg://x">y</a>',
  '"',
  "'",
  '`',
  '*_~[]()#+-=|{}.!\\',
  '<!--',
  ']]>',
  '\u202eevil',
  '\u2066\u2067\u2068\u2069',
  '\u200e\u200f\u061c',
  '\u0000',
  '\u001b[31m',
  '\r\n\r\nX: y',
  '\n\n\n',
  '\u2028\u2029',
  '\ud800',
  '\udc00\ud83d',
  '👨‍👩‍👧',
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  'e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301',
  'مرحبا',
  'שלום',
  '日本語',
  '\ufeff\ufff9\ufffa',
  '%s%n',
  '{{7*7}}',
  '&#0;',
  '&#x202e;',
  '&unknown;',
  '<b',
  '<b x',
  '<tg-spoiler>',
  ' ',
  '\u00a0',
  '\u3000',
  '/start abc',
  '@everyone',
  'http://example.com/?a=1&b=<2>',
  'a'.repeat(5000),
  '😀'.repeat(3000),
  '&'.repeat(4000),
];
const NO_PLACE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;

describe('texts of notices', () => {
  it('say what happened to a video', () => {
    const facts = { title: 'Holiday', duration: '00:02:45', width: 1920, height: 1080 };
    assert.deepEqual(read(event(facts)), {
      text: `Holiday\n✅ Ready · 00:02:45 · 1920 × 1080\n${ID}`,
      tags: ['b', 'code'],
    });
    const error = { code: 'corrupt_media', message: 'The file is broken', retryable: false };
    assert.equal(
      read(event({ ...facts, status: 'failed', error }, 'video.failed')).text,
      `Holiday\n❌ Failed: The file is broken (corrupt_media)\n${ID}`,
    );
    for (const [status, words] of [
      ['pending', /Waits to be processed/],
      ['processing', /Is being processed/],
      ['cancelled', /Was cancelled/],
    ] as const)
      assert.match(read(event({ ...facts, status })).text, words);
    assert.match(read(event(facts, 'video.deleted')).text, /^Holiday\nWas deleted\n/);
  });

  it('say what happened to edits, uploads and webhooks', () => {
    const error = { code: 'not_copyable', message: 'Nothing can be copied' };
    const edit = { kind: 'trim', title: 'Cut', status: 'failed', error };
    assert.match(
      read(event(edit, 'edit.failed', 'edit')).text,
      /^Trim: Cut\n❌ Failed: Nothing can be copied \(not_copyable\)\n/,
    );
    assert.match(
      read(event({ ...edit, status: 'running' }, 'edit.waiting_retry', 'edit')).text,
      /^Trim: Cut\n⏳ Is to be tried again: Nothing can be copied/,
    );
    assert.match(read(event({ error }, 'upload.refused', 'upload')).text, /refused: Nothing can/);
    assert.match(read(event({}, 'upload.expired', 'upload')).text, /Its time was over/);
    const webhook = { disabled_reason: 'gone', url: 'https://secret.example/hook' };
    const { text } = read(event(webhook, 'webhook.disabled', 'webhook'));
    assert.match(text, /^A webhook was disabled\n/);
    assert.ok(!text.includes('secret.example'));
    assert.equal(noticeHtml(event({}, 'share.created', 'share')), '');
  });

  it('let nothing out of its place: 500 hostile texts', () => {
    const random = seededRandom('hostile notices');
    const texts = Array.from({ length: 500 }, (_, index) =>
      index < SEEDS.length
        ? (SEEDS[index] as string)
        : Array.from({ length: random.int(1, 6) }, () => random.pick(SEEDS).slice(0, 800)).join(
            random.pick(['', ' ', '\n']),
          ),
    );
    for (const title of texts) {
      const error = { code: title, message: title };
      for (const of of [
        event({ title }),
        event({ title, duration: title, error, status: 'failed' }, 'video.failed'),
        event({ title, kind: title, error, status: 'failed' }, 'edit.failed', 'edit'),
        event({ error, id: title }, 'upload.refused', 'upload'),
        event({ disabled_reason: title }, 'webhook.disabled', 'webhook'),
      ]) {
        const { text, tags } = read(of);
        const what = JSON.stringify(title).slice(0, 200);
        assert.ok(tags.every((tag) => tag === 'b' || tag === 'code') && tags.length <= 3, what);
        assert.ok(text.length <= MAX_NOTICE_CHARS && text.isWellFormed() && text.trim() !== '', what);
        assert.ok(text.split('\n').length <= 3 && !NO_PLACE.test(text), what);
      }
      assert.ok(
        read(event({ title })).text.startsWith(toOneLine(title, 256) || 'A video'),
        'it is shown as it is',
      );
    }
  });

  it('keep what is honest as it was', () => {
    for (const title of ['Ünïcödé', '日本語 テスト', 'مرحبا بالعالم', '👨‍👩‍👧 & <friends> "x"', 'नमस्ते'])
      assert.equal(read(event({ title })).text.split('\n')[0], title);
  });
});
