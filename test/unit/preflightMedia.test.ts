import assert from 'node:assert/strict';
import { MEDIA_LIMITS } from '../../src/domain/mediaLimits.ts';
import type { MediaMeasures } from '../../src/domain/mediaPreflight.ts';
import { PLATFORMS, type Platform } from '../../src/domain/platform.ts';
import type { PostParams } from '../../src/domain/postParams.ts';
import { FITTING, tryOn } from '../support/preflight.ts';

const MB = 1e6;
const GB = 1e9;
const STORY = { instagram: { media_type: 'STORIES' } };
const PAGE_STORY = { facebook: { facebook_media_type: 'STORIES' } };
const PAGE_VIDEO = { facebook: { facebook_media_type: 'VIDEO' } };

const lasting = (durationSec: number) => ({ durationSec });
const weighing = (sizeBytes: number) => ({ sizeBytes });
const at = (fps: number) => ({ fps });
const sized = (width: number, height: number) => ({ width, height });
const within = (container: string) => ({ container });
const coded = (videoCodec: string) => ({ videoCodec });

/** What is at a limit and fits, what is just beyond it, and what is said of that: typed from the platforms' documentation. */
type Case = [
  Platform,
  fits: Partial<MediaMeasures>,
  breaks: Partial<MediaMeasures>,
  said: string,
  params?: PostParams,
];
const CASES: Case[] = [
  ['tiktok', lasting(600), lasting(600.11), 'impossible video_too_long'],
  ['tiktok', lasting(3), lasting(2.9), 'ok video_too_short'],
  ['tiktok', weighing(3 * GB), weighing(3 * GB + 1), 'fixable file_too_big bitrate'],
  ['tiktok', at(23), at(22.999), 'fixable frame_rate_too_low frame_rate'],
  ['tiktok', at(60), at(60.001), 'fixable frame_rate_too_high frame_rate'],
  ['tiktok', sized(360, 640), sized(359, 640), 'fixable picture_too_small scale'],
  ['tiktok', sized(4096, 2160), sized(4097, 2160), 'fixable picture_too_big scale'],
  ['tiktok', sized(2160, 4096), sized(2160, 4097), 'fixable picture_too_big scale'],
  ['tiktok', within('webm'), within('mkv'), 'fixable container_unfit container'],
  ['tiktok', coded('vp9'), coded('prores'), 'fixable codec_unfit codec'],
  ['instagram', lasting(3), lasting(2.89), 'impossible video_too_short'],
  ['instagram', lasting(900), lasting(900.11), 'impossible video_too_long'],
  ['instagram', lasting(60), lasting(60.11), 'impossible video_too_long', STORY],
  ['instagram', weighing(300 * MB), weighing(300 * MB + 1), 'fixable file_too_big bitrate'],
  ['instagram', sized(1920, 1080), sized(1922, 1080), 'fixable picture_too_big scale'],
  ['instagram', sized(1000, 100), sized(1010, 100), 'fixable picture_too_wide pad'],
  ['instagram', sized(20, 2000), sized(18, 2000), 'fixable picture_too_narrow pad'],
  ['instagram', at(23), at(22.9), 'fixable frame_rate_too_low frame_rate'],
  ['instagram', at(60), at(61), 'fixable frame_rate_too_high frame_rate'],
  ['instagram', within('mov'), within('webm'), 'fixable container_unfit container'],
  ['instagram', coded('hevc'), coded('vp9'), 'fixable codec_unfit codec'],
  ['youtube', lasting(900), lasting(900.11), 'ok video_too_long'],
  ['youtube', lasting(800), lasting(43_200.11), 'impossible video_too_long'],
  ['youtube', weighing(256 * GB), weighing(256 * GB + 1), 'fixable file_too_big bitrate'],
  ['facebook', lasting(90), lasting(90.01), 'ok video_too_long'],
  ['facebook', lasting(3), lasting(2.99), 'ok video_too_short'],
  ['facebook', lasting(60), lasting(60.11), 'impossible video_too_long', PAGE_STORY],
  ['facebook', lasting(14_400), lasting(14_401), 'ok video_too_long', PAGE_VIDEO],
  ['facebook', sized(1080, 1920), sized(1920, 1080), 'fixable picture_too_wide pad'],
  ['facebook', sized(1080, 1920), sized(1080, 2400), 'fixable picture_too_narrow pad'],
  ['facebook', sized(540, 960), sized(538, 956), 'fixable picture_too_small scale'],
  ['facebook', sized(540, 980), sized(540, 959), 'fixable picture_too_small scale'],
  ['facebook', at(23.976), at(23), 'fixable frame_rate_too_low frame_rate'],
  ['facebook', at(60), at(60.1), 'fixable frame_rate_too_high frame_rate'],
  ['x', lasting(0.5), lasting(0.39), 'impossible video_too_short'],
  ['x', lasting(140), lasting(140.01), 'ok video_too_long'],
  ['x', weighing(512 * MB), weighing(512 * MB + 1), 'fixable file_too_big bitrate'],
  ['x', sized(32, 32), sized(32, 31), 'fixable picture_too_small scale'],
  ['x', sized(1280, 1024), sized(1280, 1025), 'ok picture_too_big scale'],
  ['x', sized(1280, 720), sized(1281, 720), 'ok picture_too_big scale'],
  ['x', sized(1200, 1000), sized(1300, 1201), 'fixable picture_too_big scale'],
  ['x', sized(1280, 720), sized(3840, 2160), 'fixable picture_too_big scale'],
  ['x', sized(1280, 720), sized(1921, 720), 'fixable picture_too_big scale'],
  ['x', sized(900, 300), sized(903, 300), 'fixable picture_too_wide pad'],
  ['x', sized(300, 900), sized(299, 900), 'fixable picture_too_narrow pad'],
  ['x', at(60), at(60.1), 'fixable frame_rate_too_high frame_rate'],
  ['x', within('mov'), within('webm'), 'fixable container_unfit container'],
  ['x', coded('h264'), coded('hevc'), 'fixable codec_unfit codec'],
  ['threads', lasting(300), lasting(300.11), 'impossible video_too_long'],
  ['threads', weighing(GB), weighing(GB + 1), 'fixable file_too_big bitrate'],
  ['threads', sized(1920, 1080), sized(1921, 1080), 'fixable picture_too_big scale'],
  ['threads', sized(1000, 100), sized(1001, 100), 'fixable picture_too_wide pad'],
  ['threads', sized(20, 2000), sized(16, 2000), 'fixable picture_too_narrow pad'],
  ['threads', at(23), at(22), 'fixable frame_rate_too_low frame_rate'],
  ['threads', at(60), at(120), 'fixable frame_rate_too_high frame_rate'],
  ['threads', within('mov'), within('avi'), 'fixable container_unfit container'],
  ['threads', coded('hevc'), coded('av1'), 'fixable codec_unfit codec'],
  ['linkedin', lasting(3), lasting(2.89), 'impossible video_too_short'],
  ['linkedin', lasting(1800), lasting(1800.11), 'impossible video_too_long'],
  ['linkedin', weighing(75_000), weighing(74_999), 'fixable file_too_small bitrate'],
  ['linkedin', weighing(500 * MB), weighing(500 * MB + 1), 'fixable file_too_big bitrate'],
  ['linkedin', sized(1200, 500), sized(1201, 500), 'fixable picture_too_wide pad'],
  ['linkedin', sized(500, 1200), sized(499, 1200), 'fixable picture_too_narrow pad'],
  ['linkedin', at(10), at(9.99), 'fixable frame_rate_too_low frame_rate'],
  ['linkedin', at(60), at(60.01), 'fixable frame_rate_too_high frame_rate'],
  ['linkedin', within('mp4'), within('mov'), 'fixable container_unfit container'],
  ['pinterest', lasting(4), lasting(3.89), 'impossible video_too_short'],
  ['pinterest', lasting(900), lasting(900.11), 'impossible video_too_long'],
  ['pinterest', weighing(2 * GB), weighing(2 * GB + 1), 'fixable file_too_big bitrate'],
  ['pinterest', sized(1910, 1000), sized(1911, 1000), 'fixable picture_too_wide pad'],
  ['pinterest', sized(1000, 2000), sized(998, 2000), 'fixable picture_too_narrow pad'],
  ['pinterest', within('mov'), within('mkv'), 'fixable container_unfit container'],
  ['pinterest', coded('hevc'), coded('vp8'), 'fixable codec_unfit codec'],
  ['bluesky', lasting(180), lasting(180.01), 'ok video_too_long'],
  ['bluesky', lasting(180), lasting(600.11), 'impossible video_too_long'],
  ['bluesky', weighing(100 * MB), weighing(100 * MB + 1), 'ok file_too_big bitrate'],
  ['bluesky', weighing(100 * MB), weighing(300 * MB + 1), 'fixable file_too_big bitrate'],
  ['bluesky', within('webm'), within('mkv'), 'fixable container_unfit container'],
  ['reddit', lasting(900), lasting(900.01), 'ok video_too_long'],
  ['reddit', weighing(GB), weighing(GB + 1), 'fixable file_too_big bitrate'],
  ['reddit', within('mov'), within('webm'), 'fixable container_unfit container'],
];

const trying = (platform: Platform, media: Partial<MediaMeasures>, params: PostParams = {}) =>
  tryOn(platform, { media: { ...FITTING, ...media }, params });

describe('a video before it goes out', () => {
  it('fits everywhere when it is what all of them take', () => {
    for (const platform of PLATFORMS)
      assert.deepEqual(tryOn(platform), { platform, verdict: 'ok', findings: [] });
  });

  for (const [platform, fits, breaks, said, params] of CASES) {
    const [name, value] = [Object.keys(breaks).join(' × '), Object.values(breaks).join(' × ')];
    it(`${platform}: ${name} ${value} is ${said}, and ${Object.values(fits).join(' × ')} is not`, () => {
      const [verdict, code, fix = null] = said.split(' ');
      assert.ok(!trying(platform, fits, params).findings.some((each) => each.code === code));
      const check = trying(platform, breaks, params);
      const found = check.findings.find((each) => each.code === code);
      assert.deepEqual(found && [found.verdict, found.fix], [verdict, fix]);
      assert.ok(found && /^[A-Z].*(:|,).{10}/.test(found.message), found?.message);
      assert.ok(found.limit !== null && found.actual !== null);
    });
  }

  it('has a case for each limit that is known', () => {
    const known = Object.entries(MEDIA_LIMITS).flatMap(([platform, limits]) =>
      limits.flatMap(({ min, max, oneOf }) =>
        [min, max, oneOf?.join(', ')].flatMap((limit) =>
          limit === undefined ? [] : [`${platform} ${limit}`],
        ),
      ),
    );
    const tried = new Set(
      CASES.flatMap(([platform, , breaks, , params]) =>
        trying(platform, breaks, params).findings.map(({ limit }) => `${platform} ${limit}`),
      ),
    );
    assert.deepEqual(
      [...new Set(known)].filter((limit) => !tried.has(limit)),
      [],
    );
  });

  it('is refused for nothing that lies within what files are inexact by', () => {
    assert.equal(trying('instagram', lasting(900.09)).verdict, 'ok');
    assert.equal(trying('instagram', lasting(2.95)).verdict, 'ok');
    assert.equal(trying('instagram', lasting(900.09)).findings[0]?.code, 'video_too_long');
  });

  it('is judged by what is known of it', () => {
    const unknown: MediaMeasures = {
      durationSec: null,
      sizeBytes: null,
      container: null,
      width: null,
      height: null,
      fps: null,
      videoCodec: null,
    };
    for (const platform of PLATFORMS) {
      assert.deepEqual(tryOn(platform, { media: unknown }).findings, []);
      assert.deepEqual(tryOn(platform, { media: null }).findings, []);
    }
  });

  it('is told of once for each kind of trouble, the worst first', () => {
    const { verdict, findings } = trying('bluesky', {
      durationSec: 700,
      sizeBytes: 400 * MB,
      container: 'mkv',
    });
    assert.equal(verdict, 'impossible');
    assert.deepEqual(
      findings.map(({ code, limit }) => [code, limit]),
      [
        ['video_too_long', 600],
        ['file_too_big', 300 * MB],
        ['container_unfit', 'mp4, mov, webm, mpeg'],
      ],
    );
  });

  it('is told of with both figures and what to do', () => {
    const say = (platform: Platform, media: Partial<MediaMeasures>) =>
      trying(platform, media).findings.map(({ message }) => message);
    assert.deepEqual(say('instagram', { durationSec: 1200.5, sizeBytes: 1.25e9 }), [
      'Instagram takes a video of at most 900 s, and this has 1200.5 s: trim it, or leave this platform out',
      'Instagram takes a file of at most 300 MB, and this has 1.25 GB: encode it with a lower bitrate, or it may be refused there',
    ]);
    assert.deepEqual(say('x', { durationSec: 200 }), [
      'X takes a video of at most 140 s without a subscription, and this has 200 s: it may be refused there; then trim it, or leave this platform out',
    ]);
    assert.deepEqual(say('linkedin', { container: 'mov' }), [
      'LinkedIn takes files in mp4, and this is in mov: put it into another container, or it may be refused there',
    ]);
  });
});
