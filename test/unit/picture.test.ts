import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  PICTURE_FORMATS,
  PICTURE_SIDES_PX,
  type PictureWish,
  pictureVariant,
  planPicture,
} from '../../src/domain/picture.ts';

const NOTHING: PictureWish = { timeSec: null, widthPx: null, heightPx: null, format: 'jpg' };
const HD = { durationSec: 60, width: 1920, height: 1080 };
const UPRIGHT = { durationSec: 60, width: 1080, height: 1920 };

describe('planPicture', () => {
  it('snaps times to the nearest tenth of a second that the video has', () => {
    const cases: [number, number, number | null][] = [
      // Wished, duration, shown.
      [0, 60, 0],
      [0.04, 60, 0],
      [0.05, 60, 0.1],
      [12.34, 60, 12.3],
      [12.36, 60, 12.4],
      [0.3, 60, 0.3],
      [59.99, 60, 60],
      [60, 60, 60],
      [60.001, 60, null],
      [1.98, 1.99, 1.9],
      [0.04, 0.04, 0],
      [2, 1.99, null],
    ];
    for (const [timeSec, durationSec, shown] of cases) {
      const picture = planPicture({ ...NOTHING, timeSec }, { ...HD, durationSec });
      assert.equal(picture?.timeSec ?? null, shown, `${timeSec} of ${durationSec}`);
    }
  });

  it('shows a tenth of the duration when no time is wished', () => {
    assert.equal(planPicture(NOTHING, HD)?.timeSec, 6);
    assert.equal(planPicture(NOTHING, { ...HD, durationSec: 0.04 })?.timeSec, 0);
  });

  it('raises sides to those of the list, and is never larger than the source', () => {
    const small = { durationSec: 60, width: 320, height: 240 };
    const odd = { durationSec: 60, width: 641, height: 361 };
    const cases: [number | null, number | null, typeof HD, [number, number]][] = [
      // Wished width and height, source, the picture's size.
      [null, null, HD, [640, 360]],
      [null, null, UPRIGHT, [640, 1138]],
      [1, null, HD, [160, 90]],
      [160, null, HD, [160, 90]],
      [161, null, HD, [320, 180]],
      [1900, null, HD, [1920, 1080]],
      [9999, null, HD, [1920, 1080]],
      [9999, null, { ...HD, width: 3840, height: 2160 }, [1920, 1080]],
      [null, 9999, { ...UPRIGHT, width: 2160, height: 3840 }, [1080, 1920]],
      [null, 360, HD, [640, 360]],
      [null, 200, HD, [568, 320]],
      [640, 360, HD, [640, 360]],
      [640, 360, UPRIGHT, [202, 360]],
      [320, 1000, HD, [320, 180]],
      [1000, 100, HD, [284, 160]],
      [640, null, small, [320, 240]],
      [null, 9999, small, [320, 240]],
      [640, null, odd, [640, 360]],
      [1920, 1920, odd, [640, 360]],
      [160, null, { durationSec: 60, width: 8000, height: 16 }, [160, 2]],
      [160, null, { durationSec: 60, width: 16, height: 8000 }, [16, 8000]],
    ];
    for (const [widthPx, heightPx, source, size] of cases) {
      const picture = planPicture({ ...NOTHING, widthPx, heightPx }, source);
      const wished = `${widthPx}x${heightPx} of ${source.width}x${source.height}`;
      assert.deepEqual([picture?.width, picture?.height], size, wished);
    }
  });

  it('keeps shape and limits, whatever is wished of whatever', () => {
    const side = fc.option(fc.integer({ min: 1, max: 20_000 }));
    const source = fc.record({
      durationSec: fc.double({ min: 0.01, max: 21_600, noNaN: true }),
      width: fc.integer({ min: 2, max: 8192 }),
      height: fc.integer({ min: 2, max: 8192 }),
    });
    fc.assert(
      fc.property(
        side,
        side,
        fc.double({ min: 0, max: 1, noNaN: true }),
        source,
        (widthPx, heightPx, at, of) => {
          const timeSec = of.durationSec * at;
          const picture = planPicture({ timeSec, widthPx, heightPx, format: 'webp' }, of);
          assert.ok(picture);
          assert.ok(picture.timeSec >= 0 && picture.timeSec <= of.durationSec);
          assert.ok(Math.abs(picture.timeSec - timeSec) <= 0.1);
          assert.deepEqual([picture.width % 2, picture.height % 2], [0, 0]);
          assert.ok(picture.width <= of.width && picture.height <= of.height);
          const longest = PICTURE_SIDES_PX.at(-1) ?? 0;
          if (widthPx !== null) assert.ok(picture.width <= longest);
          if (heightPx !== null) assert.ok(picture.height <= longest);
          const stray = Math.abs(picture.width * of.height - picture.height * of.width);
          // A side is at most two pixels from where the shape wants it: the least there is, and odd sources.
          assert.ok(stray <= 2 * (of.width + of.height), `${picture.width}x${picture.height}`);
        },
      ),
    );
  });
});

describe('pictureVariant', () => {
  it('names the picture, and is the same for wishes that come to the same', () => {
    const nameOf = (wish: Partial<PictureWish>) => {
      const picture = planPicture({ ...NOTHING, ...wish }, HD);
      return picture && pictureVariant(picture);
    };
    assert.equal(nameOf({ timeSec: 12.34, widthPx: 300 }), '12.3s-320x180.jpg');
    assert.equal(nameOf({ timeSec: 12.3, heightPx: 180, widthPx: 320 }), '12.3s-320x180.jpg');
    assert.equal(nameOf({ format: 'webp' }), '6.0s-640x360.webp');
    assert.equal(nameOf({ timeSec: 59.96 }), '60.0s-640x360.jpg');
    assert.deepEqual(
      new Set(PICTURE_FORMATS.map((format) => nameOf({ format }))).size,
      PICTURE_FORMATS.length,
    );
  });
});
