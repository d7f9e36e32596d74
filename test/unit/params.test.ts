import assert from 'node:assert/strict';
import { checkField, checkParams } from '../../src/domain/checkParams.ts';
import {
  PARAM_FIELDS,
  type ParamField,
  RESERVED_PARAMS,
  SHARED_PARAM_FIELDS,
  textNamesOf,
} from '../../src/domain/paramFields.ts';
import { PLATFORMS, PLATFORMS_OF, PROVIDERS } from '../../src/domain/platform.ts';
import { PLATFORM_LIMITS } from '../../src/domain/platformLimits.ts';
import type { ParamValue } from '../../src/domain/postParams.ts';

/** A value of a field that is right. */
function valueFor({ type, values, min }: ParamField): ParamValue {
  if (type === 'choice') return values?.[0] ?? '';
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') return min ?? 1;
  if (type === 'url') return 'https://example.com/a';
  return type === 'strings' ? ['a', 'b'] : 'a';
}

const paths = (...checked: Parameters<typeof checkParams>) => checkParams(...checked).map(({ path }) => path);
const messageOf = (...checked: Parameters<typeof checkParams>) => checkParams(...checked)[0]?.message ?? '';

describe('params of a post', () => {
  const everything = Object.fromEntries(
    PLATFORMS.map((platform) => [
      platform,
      Object.fromEntries(
        Object.entries(PARAM_FIELDS[platform]).map(([name, field]) => [name, valueFor(field)]),
      ),
    ]),
  );

  it('may be every field of every platform, under its name and for all', () => {
    assert.deepEqual(paths('test', PLATFORMS, everything), []);
    for (const platform of PLATFORMS) {
      const provider = platform === 'flic' ? 'flic' : 'upload_post';
      for (const [name, field] of Object.entries(SHARED_PARAM_FIELDS[platform]))
        assert.deepEqual(paths(provider, [platform], { [name]: valueFor(field) }), [], name);
    }
  });

  it('may not decide what is for this service to say, whoever is the provider', () => {
    for (const provider of PROVIDERS) {
      const [first] = PLATFORMS_OF[provider];
      for (const name of RESERVED_PARAMS) {
        assert.deepEqual(paths(provider, PLATFORMS_OF[provider], { [name]: 'a' }), [`params.${name}`]);
        const own = { [first ?? '']: { [name]: 'a' } };
        assert.deepEqual(paths(provider, PLATFORMS_OF[provider], own), [`params.${first}.${name}`]);
      }
      assert.match(messageOf(provider, PLATFORMS_OF[provider], { user: 'a' }), /for this service to say/);
    }
    for (const table of [...Object.values(PARAM_FIELDS), ...Object.values(SHARED_PARAM_FIELDS)])
      for (const name of Object.keys(table)) assert.ok(!RESERVED_PARAMS.has(name), name);
  });

  it('have to reach one of the platforms, so that no typing error makes public what was to be private', () => {
    const wish = { privacy_level: 'SELF_ONLY' };
    assert.deepEqual(paths('upload_post', ['tiktok', 'youtube'], wish), []);
    assert.deepEqual(paths('upload_post', ['youtube'], wish), ['params.privacy_level']);
    assert.equal(
      messageOf('upload_post', ['youtube'], wish),
      'is for TikTok, and the post does not go there',
    );
    assert.deepEqual(paths('upload_post', ['youtube'], { tiktok: wish }), []);
    assert.deepEqual(paths('upload_post', ['tiktok'], { privacyLevel: 'SELF_ONLY' }), [
      'params.privacyLevel',
    ]);
  });

  it('are refused with the list of those that are taken, which stands there once', () => {
    const problems = checkParams('flic', ['flic'], { category: 1, feed: true, flic: { hash: 'a' } });
    assert.deepEqual(problems, [
      {
        name: 'category',
        path: 'params.category',
        message: 'is not known; what is taken here: `flic`, `category_id`, `is_available_in_public_feed`',
      },
      { name: 'feed', path: 'params.feed', message: 'is not known' },
      {
        name: 'flic',
        path: 'params.flic.hash',
        message:
          'is for this service to say, and no param; what is taken here: `title`, `category_id`, `is_available_in_public_feed`',
      },
    ]);
  });

  it('of another provider are not known', () => {
    assert.deepEqual(paths('flic', ['flic'], { tiktok: {}, subreddit: 'a' }), [
      'params.tiktok',
      'params.subreddit',
    ]);
    assert.deepEqual(paths('upload_post', ['x'], { flic: {}, category_id: 1 }), [
      'params.flic',
      'params.category_id',
    ]);
  });

  it('have the texts of the post beside them, and one for each platform that has it', () => {
    assert.match(messageOf('test', PLATFORMS, { title: 'a' }), /stands beside `params`/);
    for (const platform of PLATFORMS) {
      const refused = paths('test', PLATFORMS, { [platform]: { title: 'a', description: 'b' } });
      assert.deepEqual(
        refused,
        PLATFORM_LIMITS[platform].hasDescription ? [] : [`params.${platform}.description`],
      );
    }
    assert.deepEqual([...textNamesOf('pinterest').keys()], ['pinterest_title', 'pinterest_description']);
    assert.deepEqual([...textNamesOf('flic').keys()], []);
  });

  it('have addresses as long as signed ones are', () => {
    const link = (chars: number) => 'https://a.bc/'.padEnd(chars, 'x');
    assert.deepEqual(paths('test', PLATFORMS, { pinterest_link: link(2048), cover_url: link(8000) }), []);
    assert.deepEqual(paths('test', PLATFORMS, { pinterest_link: link(2049), cover_url: link(8001) }), [
      'params.pinterest_link',
      'params.cover_url',
    ]);
  });

  it('have comments as long as they may be there', () => {
    const first_comment = 'x'.repeat(1251);
    assert.deepEqual(paths('test', ['linkedin'], { first_comment }), ['params.first_comment']);
    assert.deepEqual(paths('test', ['instagram'], { first_comment }), []);
    assert.deepEqual(paths('test', ['instagram'], { instagram: { first_comment: 'x'.repeat(2197) } }), [
      'params.instagram.first_comment',
    ]);
    assert.deepEqual(paths('test', ['youtube'], { first_comment: 'x'.repeat(10_000) }), []);
  });

  const wrong: [string, ParamField, unknown[], unknown[]][] = [
    [
      'text',
      { type: 'text', maxChars: 3 },
      ['', 'abc', 'a\n\t'],
      ['abcd', 'a\u0007', 'a\r', 1, null, true, ['a'], {}],
    ],
    ['id', { type: 'id', maxChars: 3 }, ['abc', 12, 0], ['abcd', 'a\u0000', 1.5, null, true, [1]]],
    [
      'url',
      { type: 'url', maxChars: 30 },
      ['https://a.bc/d', 'http://a', 'https://a.bc:1/@d?e=f@g'],
      [
        'a',
        'ftp://a.b',
        'https://',
        'https:///a',
        'https://a b',
        'https://a\u0001b',
        'https://a:b',
        'https://u:p@a.bc',
        'https://u@a.bc',
        `https://${'a'.repeat(30)}`,
        1,
        null,
      ],
    ],
    ['integer', { type: 'integer', min: 0, max: 100 }, [0, 100], [-1, 101, 1.5, '1', null, Number.NaN]],
    ['number', { type: 'number', min: 0 }, [0, 1.5], [-0.1, '1', Number.POSITIVE_INFINITY, null]],
    ['boolean', { type: 'boolean' }, [true, false], ['true', 1, 0, null]],
    [
      'strings',
      { type: 'strings', maxChars: 5 },
      [[], ['ab', 'cde'], 'a,b,c'],
      [['abc', 'def'], 'a,b,cd', ['a', '\u001b'], [1], null, Array(101).fill('')],
    ],
    ['choice', { type: 'choice', values: ['A', 'B'] }, ['A', 'B'], ['a', '', null, ['A']]],
  ];
  for (const [name, field, right, bad] of wrong) {
    it(`of the type ${name} take what is right, and nothing else`, () => {
      for (const value of right) assert.equal(checkField(field, value), null, JSON.stringify(value));
      for (const value of bad) assert.match(checkField(field, value) ?? '', /^must /, JSON.stringify(value));
    });
  }

  it('are looked at with care', () => {
    const hostile = JSON.parse(
      '{"__proto__": 1, "constructor": 2, "tiktok": {"toString": 3, "__proto__": {}}}',
    );
    assert.deepEqual(paths('test', PLATFORMS, hostile), [
      'params.__proto__',
      'params.constructor',
      'params.tiktok.toString',
      'params.tiktok.__proto__',
    ]);
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`f${at}`, at]));
    assert.deepEqual(paths('test', PLATFORMS, many), ['params']);
    assert.deepEqual(paths('test', PLATFORMS, { x: many }), ['params.x']);
    for (const odd of [null, 1, 'a', ['a']])
      assert.deepEqual(paths('test', PLATFORMS, { x: odd }), ['params.x']);
  });

  it('of one name mean one thing, wherever they are taken', () => {
    const types = new Map<string, string>();
    for (const table of Object.values(SHARED_PARAM_FIELDS))
      for (const [name, { type }] of Object.entries(table)) {
        if (name === 'reply_to_id') continue;
        assert.equal(types.get(name) ?? type, type, name);
        types.set(name, type);
      }
    for (const platform of PLATFORMS) assert.ok(!types.has(platform));
  });
});
