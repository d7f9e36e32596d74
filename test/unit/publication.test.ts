import assert from 'node:assert/strict';
import { PLATFORMS, type Platform } from '../../src/domain/platform.ts';
import { type PostWords, resolveTarget } from '../../src/domain/publication.ts';

const POST: PostWords = { title: 'Title', description: null, params: {}, isAi: false };
const get = (platform: Platform, post: Partial<PostWords> = {}) => {
  const { platform: _, ...got } = resolveTarget({ ...POST, ...post, platform });
  return got;
};

describe('what a platform gets of a post', () => {
  it('is the title as its text where it has one text, and no description', () => {
    for (const platform of ['tiktok', 'instagram', 'x', 'threads', 'bluesky', 'flic'] as const) {
      const nothing = { title: null, text: 'Title', params: {}, isDescriptionUnused: false };
      assert.deepEqual(get(platform), nothing);
      assert.deepEqual(get(platform, { description: 'More' }), { ...nothing, isDescriptionUnused: true });
    }
  });

  it('is title and description where it has both; without one the title is the text, if it may', () => {
    for (const platform of ['youtube', 'facebook', 'linkedin', 'pinterest'] as const) {
      const { title, text, isDescriptionUnused } = get(platform, { description: 'More' });
      assert.deepEqual([title, text, isDescriptionUnused], ['Title', 'More', false]);
      const isRequired = platform === 'youtube';
      const alone = get(platform);
      assert.deepEqual([alone.title, alone.text], isRequired ? ['Title', null] : [null, 'Title']);
    }
  });

  it('is a title and nothing else on Reddit', () => {
    const { title, text, isDescriptionUnused } = get('reddit', { description: 'More' });
    assert.deepEqual([title, text, isDescriptionUnused], ['Title', null, true]);
  });

  it('is what params have in place of the texts: under its name, by its own name, for all', () => {
    const params = {
      first_comment: 'for all',
      youtube_title: 'by name',
      youtube_first_comment: 'by name',
      youtube: { title: 'own', description: 'own too' },
      x: { first_comment: 'own' },
    };
    assert.deepEqual(get('youtube', { params }), {
      title: 'own',
      text: 'own too',
      params: { first_comment: 'by name' },
      isDescriptionUnused: false,
    });
    assert.equal(get('youtube', { params: { youtube_title: 'by name' } }).title, 'by name');
    assert.deepEqual(get('x', { params }).params, { first_comment: 'own' });
    assert.deepEqual(get('bluesky', { params }).params, { first_comment: 'for all' });
    assert.deepEqual(get('pinterest', { params }).params, {});
    assert.equal(get('tiktok', { params: { tiktok: { title: '' } } }).text, '');
  });

  it('is the fields that it takes, its own ones before those for all', () => {
    const params = {
      privacy_level: 'SELF_ONLY',
      tags: ['a'],
      thumbnail_url: 'https://a.b/c',
      tiktok: { privacy_level: 'PUBLIC_TO_EVERYONE', disable_duet: true },
      youtube: { privacyStatus: 'private' },
    };
    assert.deepEqual(get('tiktok', { params }).params, {
      privacy_level: 'PUBLIC_TO_EVERYONE',
      disable_duet: true,
    });
    assert.deepEqual(get('youtube', { params }).params, {
      tags: ['a'],
      thumbnail_url: 'https://a.b/c',
      privacyStatus: 'private',
    });
    assert.deepEqual(get('facebook', { params }).params, { thumbnail_url: 'https://a.b/c' });
    assert.deepEqual(get('instagram', { params }).params, {});
    const flic = { category_id: 25, is_available_in_public_feed: false };
    assert.deepEqual(get('flic', { params: flic }).params, flic);
  });

  it('says that it was made by AI where there is a mark for that, unless params say otherwise', () => {
    const marks = PLATFORMS.map((platform) => [platform, get(platform, { isAi: true }).params]).filter(
      ([, params]) => Object.keys(params as object).length > 0,
    );
    assert.deepEqual(Object.fromEntries(marks), {
      tiktok: { is_aigc: true },
      youtube: { containsSyntheticMedia: true },
    });
    const said = (platform: Platform, params: PostWords['params'], isAi: boolean) =>
      get(platform, { params, isAi }).params;
    assert.deepEqual(said('tiktok', { is_aigc: false }, true), { is_aigc: false });
    assert.deepEqual(said('tiktok', { tiktok: { is_aigc: false } }, true), { is_aigc: false });
    assert.deepEqual(said('tiktok', { tiktok_is_ai_generated: false }, true), {
      tiktok_is_ai_generated: false,
    });
    assert.deepEqual(said('youtube', { containsSyntheticMedia: false }, true), {
      containsSyntheticMedia: false,
    });
    assert.deepEqual(said('youtube', { youtube: { containsSyntheticMedia: true } }, false), {
      containsSyntheticMedia: true,
    });
    assert.deepEqual(said('tiktok', {}, false), {});
  });
});
