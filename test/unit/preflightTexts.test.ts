import assert from 'node:assert/strict';
import { PLATFORMS, type Platform } from '../../src/domain/platform.ts';
import { type TriedPost, tryOn } from '../support/preflight.ts';

const FAMILY = '👨‍👩‍👧‍👦';
const LINK = `https://example.com/${'a'.repeat(300)}?q=1`;
const times = (count: number, text = 'a') => text.repeat(count);
const tagged = (count: number) => Array.from({ length: count }, (_, at) => `#tag${at}`).join(' ');
const naming = (count: number) => Array.from({ length: count }, (_, at) => `@name${at}`).join(' ');
const titled = (title: string): TriedPost => ({ title });
const described = (description: string): TriedPost => ({ description });

/** What fits, what is just beyond, and what is said of that; null: nothing at all. */
const CASES: [Platform, string, fits: TriedPost, breaks: TriedPost, said: string | null][] = [
  // TikTok says 2,200 and other clients keep 2,000; nobody says of what.
  ['tiktok', 'the lower limit', titled(times(2000)), titled(times(2001)), 'ok text_too_long 2000 2001'],
  ['tiktok', 'one limit of two', titled(times(2000)), titled(times(2200)), 'ok text_too_long 2000 2200'],
  ['tiktok', 'all limits', titled(times(2000)), titled(times(2201)), 'impossible text_too_long 2200 2201'],
  [
    'tiktok',
    'emoji that are many code units and one character',
    titled(times(90, FAMILY)),
    titled(times(300, FAMILY)),
    'ok text_too_long 2000 3300',
  ],
  ['tiktok', 'mentions', titled(naming(30)), titled(naming(31)), 'ok too_many_mentions 30 31'],
  ['instagram', 'captions', titled(times(2200)), titled(times(2201)), 'impossible text_too_long 2200 2201'],
  [
    'instagram',
    'the new count of hashtags',
    titled(tagged(5)),
    titled(tagged(6)),
    'ok too_many_hashtags 5 6',
  ],
  [
    'instagram',
    'the old count of hashtags',
    titled(tagged(5)),
    titled(tagged(31)),
    'impossible too_many_hashtags 30 31',
  ],
  [
    'instagram',
    'what may be a number only',
    titled(times(5, '#1 ')),
    titled(times(31, '#1_2 ')),
    'ok too_many_hashtags 30 31',
  ],
  ['instagram', 'mentions', titled(naming(20)), titled(naming(21)), 'impossible too_many_mentions 20 21'],
  [
    'instagram',
    'what only looks like tags',
    titled('a'),
    titled(times(40, 'a@example.com C# a#b https://a.b/#c &#39; ')),
    null,
  ],
  [
    'instagram',
    'hashtags of other scripts',
    titled('a'),
    titled(times(6, '#日本 ')),
    'ok too_many_hashtags 5 6',
  ],
  ['youtube', 'titles', titled(times(100)), titled(times(101)), 'impossible title_too_long 100 101'],
  [
    'youtube',
    'titles of emoji',
    titled(times(9, FAMILY)),
    titled(times(20, FAMILY)),
    'ok title_too_long 100 220',
  ],
  ['youtube', 'bytes', described(times(5000)), described(times(5001)), 'impossible text_too_long 5000 5001'],
  [
    'youtube',
    'bytes of CJK',
    described(times(1666, '日')),
    described(times(1667, '日')),
    'impossible text_too_long 5000 5001',
  ],
  [
    'youtube',
    'angle brackets in titles',
    titled('a ‹ b'),
    titled('a < b'),
    'impossible title_forbidden <> <',
  ],
  [
    'youtube',
    'angle brackets in descriptions',
    described('->'.replace('>', '›')),
    described('<->'),
    'impossible text_forbidden <> < >',
  ],
  ['youtube', 'no title', titled('a'), titled(' \n'), 'impossible title_missing null null'],
  [
    'facebook',
    'titles beside a description',
    { title: times(255), description: 'a' },
    { title: times(256), description: 'a' },
    'ok title_too_long 255 256',
  ],
  ['facebook', 'titles that are the text', titled(times(63_206)), titled(times(2000)), null],
  [
    'facebook',
    'descriptions',
    described(times(63_206)),
    described(times(63_207)),
    'impossible text_too_long 63206 63207',
  ],
  ['x', 'Latin', titled(times(280)), titled(times(281)), 'ok text_too_long 280 281'],
  [
    'x',
    'CJK, which counts double',
    titled(times(140, '字')),
    titled(times(141, '字')),
    'ok text_too_long 280 282',
  ],
  [
    'x',
    'links, which count 23',
    titled(`${times(256)} ${LINK}`),
    titled(`${times(257)} ${LINK}`),
    'ok text_too_long 280 281',
  ],
  [
    'x',
    'emoji, which count 2',
    titled(times(140, FAMILY)),
    titled(times(141, FAMILY)),
    'ok text_too_long 280 282',
  ],
  [
    'threads',
    'emoji as bytes',
    titled(times(20, FAMILY)),
    titled(times(21, FAMILY)),
    'ok text_too_long 500 525',
  ],
  [
    'threads',
    'others as they are',
    titled(times(500, '日')),
    titled(times(501, '日')),
    'ok text_too_long 500 501',
  ],
  [
    'linkedin',
    'titles beside a description',
    { title: times(400), description: 'a' },
    { title: times(401), description: 'a' },
    'ok title_too_long 400 401',
  ],
  ['linkedin', 'texts', titled(times(3000)), titled(times(3001)), 'impossible text_too_long 3000 3001'],
  [
    'pinterest',
    'titles',
    { title: times(100), description: 'a' },
    { title: times(101), description: 'a' },
    'impossible title_too_long 100 101',
  ],
  ['pinterest', 'the lower limit', described(times(500)), described(times(501)), 'ok text_too_long 500 501'],
  [
    'pinterest',
    'all limits',
    described(times(500)),
    described(times(801)),
    'impossible text_too_long 800 801',
  ],
  [
    'bluesky',
    'characters as people see them',
    titled(times(100, FAMILY)),
    titled(times(301, 'é')),
    'impossible text_too_long 300 301',
  ],
  [
    'bluesky',
    'bytes',
    titled(times(120, FAMILY)),
    titled(times(121, FAMILY)),
    'impossible text_too_many_bytes 3000 3025',
  ],
  ['reddit', 'titles', titled(times(300)), titled(times(301)), 'impossible title_too_long 300 301'],
  ['reddit', 'no title', titled('a'), titled(''), 'impossible title_missing null null'],
  ['flic', 'what is not known', titled(''), titled(times(60_000, '<')), null],
];

describe('the texts of a post before it goes out', () => {
  for (const [platform, what, fits, breaks, said] of CASES) {
    it(`${platform}: ${what}`, () => {
      assert.deepEqual(tryOn(platform, fits).findings, []);
      const found = tryOn(platform, breaks).findings.map(
        ({ verdict, code, limit, actual }) => `${verdict} ${code} ${limit} ${actual}`,
      );
      assert.deepEqual(found, said === null ? [] : [said]);
    });
  }

  it('are told of with both figures and what to do', () => {
    const say = (platform: Platform, post: TriedPost) =>
      tryOn(platform, post).findings.map(({ message }) => message);
    assert.deepEqual(say('youtube', { title: `${times(100)}>` }), [
      'YouTube takes a title of at most 100 characters, and this has 101: shorten it',
      'YouTube refuses a title with >: take it out',
    ]);
    assert.deepEqual(say('x', { title: times(141, '字') }), [
      'X takes a text of at most 280 characters as they are counted there, and this has 282: it may be cut, split or refused there; then shorten it',
    ]);
    assert.deepEqual(say('instagram', { title: tagged(6) }), [
      'Instagram takes at most 5 hashtags in a text, and this has 6: take some out',
    ]);
  });

  it('lose their links on X where Upload-Post brings them, and nowhere else', () => {
    const codes = (platform: Platform, post: TriedPost) =>
      tryOn(platform, post).findings.map(({ code }) => code);
    const linked = { title: 'see https://example.com' };
    assert.deepEqual(codes('x', { ...linked, provider: 'upload_post' }), ['links_removed']);
    assert.deepEqual(codes('x', { title: 'see it', provider: 'upload_post' }), []);
    assert.deepEqual(codes('x', linked), []);
    assert.deepEqual(codes('threads', { ...linked, provider: 'upload_post' }), []);
  });

  it('come with what the provider says of a platform', () => {
    const codes = (post: TriedPost) => tryOn('reddit', post).findings.map(({ code }) => code);
    const params = { reddit: { subreddit: 'a' } };
    assert.deepEqual(codes({ provider: 'upload_post', params }), ['platform_unavailable']);
    assert.equal(tryOn('reddit', { provider: 'upload_post', params }).verdict, 'ok');
    assert.deepEqual(codes({ provider: 'test', params }), []);
  });

  it('do not appear in drafts and stories', () => {
    const codes = (platform: Platform, post: TriedPost) =>
      tryOn(platform, post).findings.map(({ code }) => code);
    const draft = { params: { post_mode: 'MEDIA_UPLOAD' } };
    assert.deepEqual(codes('tiktok', draft), ['text_unused']);
    assert.deepEqual(codes('tiktok', { ...draft, title: '' }), []);
    assert.deepEqual(codes('tiktok', { params: { post_mode: 'DIRECT_POST' } }), []);
    assert.deepEqual(codes('instagram', draft), []);
    assert.deepEqual(codes('facebook', { params: { facebook_media_type: 'STORIES' } }), ['text_unused']);
    assert.deepEqual(codes('tiktok', { params: { tiktok_upload_to_draft: true } }), ['text_unused']);
    assert.deepEqual(codes('tiktok', { params: { tiktok_upload_to_draft: false } }), []);
    assert.deepEqual(codes('instagram', { params: { media_type: 'STORIES' } }), ['text_unused']);
    assert.equal(tryOn('tiktok', draft).verdict, 'ok');
  });

  it('are not refused where they do not appear', () => {
    const say = (platform: Platform, post: TriedPost) =>
      tryOn(platform, post).findings.map(({ code, verdict }) => `${verdict} ${code}`);
    const draft = { title: times(2400), params: { post_mode: 'MEDIA_UPLOAD' } };
    assert.deepEqual(say('tiktok', draft), ['ok text_too_long', 'ok text_unused']);
    const story = { title: tagged(40), params: { instagram: { media_type: 'STORIES' } } };
    assert.deepEqual(say('instagram', story), ['ok too_many_hashtags', 'ok text_unused']);
    const reel = { ...story, params: { instagram: { media_type: 'REELS' } } };
    assert.deepEqual(say('instagram', reel), ['impossible too_many_hashtags']);
  });

  it('need the fields that the provider asks for', () => {
    const say = (platform: Platform, post: TriedPost) =>
      tryOn(platform, post).findings.map(({ code, verdict, limit }) => `${verdict} ${code} ${limit}`);
    const asked = { provider: 'upload_post' } as const;
    const missing = ['impossible param_missing pinterest_board_id'];
    const none = { pinterest: {} };
    assert.deepEqual(say('pinterest', { ...asked, params: none }), missing);
    assert.deepEqual(say('pinterest', { ...asked, params: { ...none, pinterest_board_id: '' } }), missing);
    assert.deepEqual(say('pinterest', { ...asked, params: { ...none, pinterest_board_id: '1' } }), []);
    assert.deepEqual(say('pinterest', { ...asked, params: { pinterest: { pinterest_board_id: 1 } } }), []);
    const tried = { provider: 'test', params: none } as const;
    assert.deepEqual(say('pinterest', tried), missing, 'who only tries learns of it, too');
    const others = PLATFORMS.filter((each) => !['pinterest', 'reddit', 'flic'].includes(each));
    for (const platform of others) assert.deepEqual(say(platform, asked), []);
    assert.deepEqual(say('flic', { provider: 'flic' }), []);
  });

  it('are judged as each platform gets them', () => {
    const long = times(400);
    const title = (platform: Platform, own: string) => ({
      title: long,
      params: { [platform]: { title: own } },
    });
    assert.equal(tryOn('youtube', titled(long)).verdict, 'impossible');
    assert.deepEqual(tryOn('youtube', title('youtube', 'short')).findings, []);
    assert.deepEqual(tryOn('bluesky', title('bluesky', 'short')).findings, []);
    const longest = { description: times(6000) };
    for (const platform of PLATFORMS) {
      const { verdict } = tryOn(platform, longest);
      const isRefused = ['youtube', 'linkedin', 'pinterest'].includes(platform);
      assert.equal(verdict, isRefused ? 'impossible' : 'ok', platform);
    }
  });
});
