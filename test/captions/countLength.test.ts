import assert from 'node:assert/strict';
import { countLength, keepsLimit } from '../../src/captions/countLength.ts';
import { CAPTION_LIMITS, CAPTION_PLATFORMS, type CaptionPlatform } from '../../src/domain/captionLimits.ts';

const FAMILY = '👨‍👩‍👧‍👦';
const FLAG = '🇩🇪';
const ASTRONAUT = '👩🏽‍🚀';
const KEYCAP = '1️⃣';
const COMBINED = 'e\u0301';
const LONG_LINK = `https://example.com/${'a'.repeat(200)}?q=1#part`;

describe('the length of a caption', () => {
  const cases: [CaptionPlatform, string, number][] = [
    // X: emoji and CJK are 2, whatever they are made of; links are 23; what NFC composes is 1.
    ['x', 'Hello, world', 12],
    ['x', 'Grüße', 5],
    ['x', COMBINED, 1],
    ['x', FAMILY, 2],
    ['x', FLAG, 2],
    ['x', ASTRONAUT, 2],
    ['x', KEYCAP, 2],
    ['x', '日本語', 6],
    ['x', '한국어', 6],
    ['x', '…', 2],
    ['x', '“quoted” – so', 13],
    ['x', LONG_LINK, 23],
    ['x', 'https://t.co', 23],
    ['x', `see ${LONG_LINK} now`, 31],
    ['x', 'see example.com now', 31],
    ['x', 'not.a-link', 10],
    ['x', '#tag @name', 10],
    // Bluesky: what people see as one character is 1, links in full.
    ['bluesky', FAMILY, 1],
    ['bluesky', FLAG + FLAG, 2],
    ['bluesky', ASTRONAUT, 1],
    ['bluesky', KEYCAP, 1],
    ['bluesky', COMBINED, 1],
    ['bluesky', 'Z̸̢̛͓̪͚̈́͛', 1],
    ['bluesky', 'नमस्ते', 3],
    ['bluesky', '日本語', 3],
    ['bluesky', 'a\r\nb', 3],
    ['bluesky', 'https://example.com/abc', 23],
    ['bluesky', `${LONG_LINK}`, LONG_LINK.length],
    // YouTube: bytes of UTF-8.
    ['youtube', 'abc', 3],
    ['youtube', 'é', 2],
    ['youtube', COMBINED, 3],
    ['youtube', '日本語', 9],
    ['youtube', '🎬', 4],
    ['youtube', FLAG, 8],
    ['youtube', FAMILY, 25],
    // TikTok and those that do not say: UTF-16.
    ['tiktok', '🎬', 2],
    ['tiktok', FAMILY, 11],
    ['instagram', '日本語', 3],
    // Mastodon: graphemes, links 23. Threads: emoji as their bytes.
    ['mastodon', `${FAMILY} ${LONG_LINK}`, 25],
    ['mastodon', 'https://a.b', 23],
    ['threads', 'é日', 2],
    ['threads', `ab${FAMILY}`, 27],
    ['threads', FLAG, 8],
  ];
  for (const [platform, text, length] of cases) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    it(`of ${JSON.stringify(shown)} is ${length} on ${platform}`, () =>
      assert.equal(countLength(text, platform), length));
  }

  it('may be exactly as long as the platform allows', () => {
    const one: Record<CaptionPlatform, string> = {
      ...(Object.fromEntries(CAPTION_PLATFORMS.map((name) => [name, 'a'])) as Record<
        CaptionPlatform,
        string
      >),
      x: 'a',
      bluesky: 'é',
    };
    for (const platform of CAPTION_PLATFORMS) {
      const full = one[platform].repeat(CAPTION_LIMITS[platform].max);
      assert.equal(keepsLimit(full, platform), true, platform);
      assert.equal(keepsLimit(`${full}a`, platform), false, platform);
    }
    assert.equal(keepsLimit('語'.repeat(140), 'x'), true);
    assert.equal(keepsLimit('語'.repeat(141), 'x'), false);
  });

  it('has to keep the bytes of Bluesky beside its graphemes', () => {
    assert.equal(keepsLimit(FAMILY.repeat(120), 'bluesky'), true);
    assert.equal(countLength(FAMILY.repeat(121), 'bluesky'), 121);
    assert.equal(keepsLimit(FAMILY.repeat(121), 'bluesky'), false);
  });
});
