import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countUnits } from '../../src/captions/countLength.ts';
import type { MediaMeasures } from '../../src/domain/mediaPreflight.ts';
import { PLATFORMS, type Platform } from '../../src/domain/platform.ts';
import { PLATFORM_LIMITS } from '../../src/domain/platformLimits.ts';
import { checkPost, type PlatformCheck, VERDICTS } from '../../src/domain/preflight.ts';
import { createTextCounts } from '../../src/domain/textCounts.ts';
import { FITTING, tryOn, tryPost } from '../support/preflight.ts';
import { seed } from '../support/stack.ts';

const rank = ({ verdict }: PlatformCheck) => VERDICTS.indexOf(verdict);

const measures: fc.Arbitrary<MediaMeasures> = fc.record({
  durationSec: fc.option(fc.double({ min: 0.01, max: 60_000, noNaN: true })),
  sizeBytes: fc.option(fc.integer({ min: 1, max: 400_000_000_000 })),
  container: fc.option(fc.constantFrom('mp4', 'mov', 'webm', 'mkv', 'avi', 'odd')),
  width: fc.option(fc.integer({ min: 1, max: 9000 })),
  height: fc.option(fc.integer({ min: 1, max: 9000 })),
  fps: fc.option(fc.double({ min: 0.1, max: 300, noNaN: true })),
  videoCodec: fc.option(fc.constantFrom('h264', 'hevc', 'vp9', 'av1', 'prores')),
});
const words = fc.oneof(
  fc.string({ maxLength: 400, unit: 'grapheme' }),
  fc
    .array(fc.constantFrom('#a ', '@b ', '日', '👨‍👩‍👧‍👦', 'https://a.bc/d ', '<', 'x'.repeat(50)), {
      maxLength: 80,
    })
    .map((parts) => parts.join('')),
);
const somewhere = fc.constantFrom(...PLATFORMS);
const holds = <Given extends unknown[]>(property: fc.IProperty<Given>) =>
  fc.assert(property, { seed: seed(), numRuns: process.env.CAMPAIGN ? 5000 : 200 });

describe('a post before it goes out', () => {
  it('is judged by its worst finding, and the worst is named first', () => {
    holds(
      fc.property(somewhere, words, measures, (platform, title, media) => {
        const check = tryOn(platform, { title, media });
        const worst = Math.max(0, ...check.findings.map(({ verdict }) => VERDICTS.indexOf(verdict)));
        assert.equal(rank(check), worst);
        const order = check.findings.map(({ verdict }) => VERDICTS.indexOf(verdict));
        assert.deepEqual(
          order,
          [...order].sort((a, b) => b - a),
        );
        const codes = check.findings.map(({ code }) => code);
        assert.equal(new Set(codes).size, codes.length);
      }),
    );
  });

  it('is no better for a longer text', () => {
    holds(
      fc.property(somewhere, words, words, (platform, title, more) => {
        const long = tryOn(platform, { title: `a ${title}` });
        const longer = tryOn(platform, { title: `a ${title} ${more}` });
        assert.ok(rank(longer) >= rank(long), `${platform} ${JSON.stringify([title, more])}`);
      }),
    );
  });

  it('is no better for a longer or bigger video once it is long and big enough', () => {
    holds(
      fc.property(
        somewhere,
        measures,
        fc.double({ min: 1, max: 50, noNaN: true }),
        (platform, media, factor) => {
          const enough = {
            ...media,
            durationSec: Math.max(media.durationSec ?? 0, 4),
            sizeBytes: Math.max(media.sizeBytes ?? 0, 75_000),
          };
          const more = {
            ...enough,
            durationSec: enough.durationSec * factor,
            sizeBytes: enough.sizeBytes * factor,
          };
          assert.ok(rank(tryOn(platform, { media: more })) >= rank(tryOn(platform, { media: enough })));
        },
      ),
    );
  });

  it('is judged for each platform by itself, in whichever order they come', () => {
    holds(
      fc.property(fc.shuffledSubarray([...PLATFORMS]), words, measures, (platforms, title, media) => {
        const post = { title, media };
        assert.deepEqual(
          tryPost(platforms, post),
          platforms.map((platform) => tryOn(platform, post)),
        );
      }),
    );
  });

  it('is refused for its video only where its length cannot be helped', () => {
    holds(
      fc.property(somewhere, measures, (platform, media) => {
        const refused = tryOn(platform, { media }).findings.filter(({ verdict }) => verdict === 'impossible');
        for (const { code, fix } of refused) {
          assert.ok(['video_too_long', 'video_too_short'].includes(code), code);
          assert.equal(fix, null);
        }
        const fixable = tryOn(platform, { media }).findings.filter(({ verdict }) => verdict === 'fixable');
        for (const { fix } of fixable) assert.ok(fix);
      }),
    );
  });

  it('says whether its video was looked at', () => {
    const post = { provider: 'test', targets: [], counts: createTextCounts(countUnits) } as const;
    assert.equal(checkPost({ ...post, media: null }).isMediaChecked, false);
    assert.equal(checkPost({ ...post, media: FITTING }).isMediaChecked, true);
  });
});

describe('the limits of platforms', () => {
  it('all say where they come from and when that was read', () => {
    const dated = PLATFORMS.flatMap((platform) => {
      const { title, text, textless, tags, media, postCaps, notices } = PLATFORM_LIMITS[platform];
      return [title, text, ...textless, ...tags, ...media, ...postCaps, ...notices].filter(
        (each) => each !== null,
      );
    });
    assert.ok(dated.length > 80, String(dated.length));
    for (const { source, asOf } of dated) {
      assert.ok(source.length > 10, source);
      assert.match(asOf, /^20\d\d-(0\d|1[0-2])$/);
    }
  });

  it('have a title where there is one, and are certain no sooner than they begin', () => {
    for (const { titles, title, text } of Object.values(PLATFORM_LIMITS)) {
      assert.equal(title === null, titles === 'none');
      for (const limit of [title, text])
        assert.ok((limit?.certainMax ?? Number.POSITIVE_INFINITY) >= (limit?.max ?? 0));
    }
  });

  it('of videos leave room for one, and say what helps', () => {
    for (const { min, max, oneOf, breach, fix } of PLATFORMS.flatMap((each) => PLATFORM_LIMITS[each].media)) {
      assert.ok([min, max, oneOf].some((each) => each !== undefined));
      assert.ok((min ?? 0) < (max ?? Number.POSITIVE_INFINITY));
      if (breach !== 'doubtful') assert.equal(fix !== undefined, breach === 'fixable');
    }
  });

  it('have the counts of posts that the platforms give', () => {
    const caps = (platform: Platform) =>
      PLATFORM_LIMITS[platform].postCaps.map(({ max, windowSec }) => `${max}/${windowSec / 3600} h`);
    assert.deepEqual(Object.fromEntries(PLATFORMS.map((platform) => [platform, caps(platform).join()])), {
      tiktok: '15/24 h',
      instagram: '50/24 h',
      youtube: '100/24 h',
      facebook: '30/24 h',
      x: '100/0.25 h',
      threads: '250/24 h',
      linkedin: '',
      pinterest: '',
      bluesky: '25/24 h',
      reddit: '',
      flic: '',
    });
  });
});
