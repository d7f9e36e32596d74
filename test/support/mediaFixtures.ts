import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixtureFolder, makeOnce } from './fixtureCache.ts';
import { seededBytes } from './seededBytes.ts';

/** Media for the tests, made on demand by ffmpeg. Raise the version when a recipe changes. */
const VERSION = 2;
const FOLDER = fixtureFolder(`fixtures-${VERSION}`);

const run = promisify(execFile);

/** Runs ffmpeg for a fixture; never used on what a test is about. */
export const makeMedia = (...args: string[]) => run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);

const picture = (size: string, durationSec: number, fps = 30) => [
  ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${fps}:d=${durationSec}`],
];
const sound = (durationSec: number) => ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${durationSec}`];
const h264 = (gop = 30) => [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-pix_fmt',
  'yuv420p',
  '-g',
  String(gop),
];
const copy = ['-map', '0', '-c', 'copy'];
const vp9 = (gop: number) => [
  ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', String(gop)],
];

interface Recipe {
  extension: string;
  make(path: string): Promise<unknown>;
}

const lavfi = (extension: string, ...args: string[]): Recipe => ({
  extension,
  make: (path) => makeMedia(...args, path),
});

const from = (name: string, extension: string, ...args: string[]): Recipe => ({
  extension,
  make: async (path) => makeMedia('-i', await cached(name), ...args, path),
});

const bytes = (extension: string, content: () => Buffer | Promise<Buffer>): Recipe => ({
  extension,
  make: async (path) => writeFile(path, await content()),
});

const cut = (name: string, extension: string, share: number): Recipe =>
  bytes(extension, async () => {
    const whole = await readFile(await cached(name));
    return whole.subarray(0, Math.floor(whole.length * share));
  });

const GOOD = {
  /** The everyday file: 2 s, H.264 and AAC, index at the end. */
  h264: lavfi('mp4', ...picture('320x240', 2), ...sound(2), ...h264(), '-c:a', 'aac'),
  /** One minute, a key frame every two seconds. */
  minute: lavfi('mp4', ...picture('640x360', 60), ...sound(60), ...h264(60), '-c:a', 'aac'),
  /** Ten minutes, small, a key frame every five seconds. */
  tenMinutes: lavfi('mp4', ...picture('160x120', 600, 10), ...h264(50)),
  faststart: from('h264', 'mp4', ...copy, '-movflags', '+faststart'),
  fragmented: from('minute', 'mp4', ...copy, '-movflags', 'frag_keyframe+empty_moov'),
  mov: from('h264', 'mov', ...copy),
  hevc10: lavfi(
    'mp4',
    ...picture('640x360', 4, 25),
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p10le', '-tag:v', 'hvc1'],
    ...['-x265-params', 'log-level=error:keyint=25'],
  ),
  vp9: lavfi('webm', ...picture('640x360', 12, 25), ...sound(12), ...vp9(25), '-c:a', 'libopus'),
  vp9OneKeyframe: lavfi('webm', ...picture('320x180', 12, 25), ...vp9(9999)),
  transportStream: lavfi('ts', ...picture('320x240', 6), ...sound(6), ...h264(), '-c:a', 'aac'),
  programStream: lavfi('mpg', ...picture('352x288', 3, 25), '-c:v', 'mpeg2video', '-g', '12'),
  avi: lavfi('avi', ...picture('320x240', 3, 25), ...sound(3), '-c:v', 'mpeg4', '-c:a', 'mp3'),
  flv: lavfi('flv', ...picture('320x240', 2, 25), ...h264()),
  asf: lavfi('asf', ...picture('320x240', 2, 25), '-c:v', 'wmv2'),
  ogg: lavfi('ogv', ...picture('320x240', 2, 25), '-c:v', 'libtheora'),
  /** Two languages, subtitles and cover art: none of them is the video. */
  manyTracks: { extension: 'mkv', make: makeManyTracks },
  /** Frame times that jump, held upright: coded 640 x 360, shown 360 x 640. */
  vfrRotated: { extension: 'mp4', make: makeVfrRotated },
  rotated180: from('h264', 'mp4', ...copy, '-metadata:s:v', 'rotate=180'),
  av1: lavfi('mp4', ...picture('320x240', 2, 25), '-c:v', 'libsvtav1', '-preset', '12', '-g', '25'),
  prores: lavfi('mov', ...picture('320x240', 1, 25), '-c:v', 'prores_ks'),
  oddSize: lavfi(
    'mp4',
    ...picture('640x480', 2),
    ...['-vf', 'format=yuv444p,crop=321:241', '-c:v', 'libx264', '-preset', 'ultrafast'],
  ),
  /** Stored 720 x 576, shown 1024 x 576. */
  anamorphic: lavfi('mp4', ...picture('720x576', 2, 25), '-vf', 'setsar=64/45', ...h264()),
  noAudio: lavfi('mp4', ...picture('320x240', 2), ...h264()),
  oneFrame: lavfi('mp4', ...picture('320x240', 1, 25), '-frames:v', '1', ...h264()),
  oneKeyframe: lavfi('mp4', ...picture('320x240', 12, 25), ...h264(9999), '-keyint_min', '9999'),
  /** Four seconds of sound, and a picture from the second one on. */
  latePicture: lavfi(
    'mp4',
    ...['-itsoffset', '1', ...picture('320x240', 3), ...sound(4), ...h264(), '-c:a', 'aac'],
    ...['-fps_mode', 'passthrough'],
  ),
  /** A recording that was never finished: no length, no index. */
  liveMkv: {
    extension: 'mkv',
    make: async (path: string) =>
      makeMedia('-i', await cached('h264'), ...copy, '-f', 'matroska', '-live', '1', path),
  },
} satisfies Record<string, Recipe>;

const BAD = {
  audioOnly: lavfi('m4a', ...sound(2), '-c:a', 'aac'),
  coverArtOnly: { extension: 'mp3', make: makeCoverArt },
  truncatedFaststart: cut('faststart', 'mp4', 0.7),
  truncatedAtEnd: cut('h264', 'mp4', 0.7),
  truncatedFragments: cut('fragmented', 'mp4', 0.7),
  truncatedMkv: { extension: 'mkv', make: makeTruncatedMkv },
  zeroBytes: bytes('mp4', () => Buffer.alloc(0)),
  garbage: bytes('mp4', () => seededBytes(7, 200_000)),
  text: bytes('mp4', () => Buffer.from('Dear all,\nplease find the video attached.\n'.repeat(50))),
  /** A healthy index over a picture of noise. */
  noiseInside: { extension: 'mp4', make: makeNoiseInside },
  rareCodec: lavfi('avi', ...picture('320x240', 1, 25), '-c:v', 'magicyuv'),
  /** A photograph in the family of MP4. */
  avif: lavfi(
    'avif',
    ...picture('320x240', 1, 1),
    '-frames:v',
    '1',
    '-c:v',
    'libaom-av1',
    '-cpu-used',
    '8',
    '-still-picture',
    '1',
  ),
  png: lavfi(
    'mp4',
    ...picture('320x240', 1, 1),
    '-frames:v',
    '1',
    '-c:v',
    'png',
    '-f',
    'image2',
    '-update',
    '1',
  ),
} satisfies Record<string, Recipe>;

const BOMBS = {
  hugePicture: lavfi(
    'avi',
    ...['-f', 'lavfi', '-i', 'color=s=16000x16000:d=1:r=1'],
    '-frames:v',
    '1',
    '-c:v',
    'mjpeg',
  ),
  wideLine: lavfi(
    'avi',
    ...['-f', 'lavfi', '-i', 'color=s=16384x16:d=1:r=1'],
    '-frames:v',
    '1',
    '-c:v',
    'mjpeg',
  ),
  /** Three frames, ten hours apart. */
  evilGap: lavfi(
    'mkv',
    ...[
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x240:r=1:d=3',
      '-vf',
      'setpts=N*36000/TB',
      '-fps_mode',
      'passthrough',
    ],
    ...h264(),
  ),
  manyStreams: { extension: 'mkv', make: makeManyStreams },
  /** The header speaks of 24 days, the track of two seconds. */
  longDeclared: { extension: 'mp4', make: makeLongDeclared },
  /** An index of five million empty boxes behind a healthy track. */
  crowdedIndex: { extension: 'mp4', make: makeCrowdedIndex },
  /** Tags that forge fields in ffprobe's text form. */
  evilTags: from(
    'h264',
    'mkv',
    ...[...copy, '-metadata:s:v', `title=x\nwidth=16\nheight=16\nduration=0.1\n[/STREAM]\n[STREAM]\nindex=9`],
    ...['-metadata', 'title=x\nduration=0.1\n[/FORMAT]'],
  ),
  /** Many pixels in few bytes, a single key frame. */
  bigOneKeyframe: lavfi(
    'mp4',
    ...['-f', 'lavfi', '-i', 'color=s=3840x2160:r=2:d=120'],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'stillimage',
      '-g',
      '9999',
      '-keyint_min',
      '9999',
    ],
  ),
} satisfies Record<string, Recipe>;

/** Good ones, each for a few tests only. Most are not played by browsers, each for a reason of its own. */
const SPECIAL = {
  /** `bigOneKeyframe` with its index first: nothing but its storyboard takes long. */
  bigProgressive: from('bigOneKeyframe', 'mp4', ...copy, '-movflags', '+faststart'),
  /** H.264 with a sound that only some browsers know, in two languages. */
  foreignSound: from(
    'manyTracks',
    'mkv',
    ...['-map', '0:v:0', '-map', '0:a', '-c:v', 'copy', '-c:a', 'ac3', '-b:a', '96k'],
  ),
  /** Fields of two moments in each frame, stored 352 x 288 and shown 512 x 288. */
  interlaced: lavfi(
    'mpg',
    ...picture('352x288', 2, 50),
    ...['-vf', 'tinterlace=interleave_top,setsar=16/11', '-c:v', 'mpeg2video', '-q:v', '3', '-g', '12'],
    ...['-flags', '+ildct+ilme', '-field_order', 'tt'],
  ),
  /** Brighter than usual screens, as telephones record it. */
  highRange: lavfi(
    'mp4',
    ...picture('320x180', 1, 25),
    ...[
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p10le',
      '-tag:v',
      'hvc1',
      '-x265-params',
    ],
    'log-level=error:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc',
  ),
  /** As `vfrRotated`, in a codec of old. */
  oldVfrRotated: { extension: 'mp4', make: makeOldVfrRotated },
  /** Taken up in the middle of a broadcast: it begins between two key frames. */
  midBroadcast: bytes('ts', async () => {
    const whole = await readFile(await cached('transportStream'));
    return whole.subarray(Math.floor(whole.length / 3 / 188) * 188);
  }),
  /** Damaged on its way: what is copied of it does not decode without a complaint. */
  noisyBroadcast: bytes('ts', async () => {
    const content = await readFile(await cached('transportStream'));
    const noise = seededBytes(13, 150);
    for (let at = Math.floor(content.length * 0.9); at < content.length; at++) {
      // Packets in the middle of a picture: those at its beginning are marked (ISO/IEC 13818-1, 2.4.3.2).
      const isPicture = at % 188 === 0 && content.readUInt16BE(at + 1) === 0x0100;
      if (isPicture) noise.copy(content, at + 188 - noise.length);
    }
    return content;
  }),
} satisfies Record<string, Recipe>;

const RECIPES: Record<string, Recipe> = { ...GOOD, ...BAD, ...BOMBS, ...SPECIAL };

export type FixtureName = keyof typeof GOOD | keyof typeof BAD | keyof typeof BOMBS | keyof typeof SPECIAL;
export const GOOD_NAMES = Object.keys(GOOD) as Array<keyof typeof GOOD>;
export const BOMB_NAMES = Object.keys(BOMBS) as Array<keyof typeof BOMBS>;

const made = new Map<string, Promise<string>>();

function make(name: string): Promise<string> {
  const recipe = RECIPES[name] as Recipe;
  return makeOnce(join(FOLDER, `${name}.${recipe.extension}`), recipe.make);
}

function cached(name: string): Promise<string> {
  const known = made.get(name) ?? make(name);
  made.set(name, known);
  return known;
}

/** Gives the path of a piece of media, making it first when it is not there yet. Do not write to it. */
export const fixture = (name: FixtureName): Promise<string> => cached(name);

async function makeManyTracks(path: string): Promise<void> {
  const subtitles = `${path}.srt`;
  const cover = `${path}.png`;
  try {
    await writeFile(subtitles, '1\n00:00:00,000 --> 00:00:01,000\nHello\n');
    await makeMedia(...picture('600x800', 1, 1), '-frames:v', '1', cover);
    await makeMedia(
      ...[...picture('320x240', 3), ...sound(3), ...sound(3), '-i', subtitles],
      ...['-map', '0:v', '-map', '1:a', '-map', '2:a', '-map', '3:s'],
      ...[...h264(), '-c:a', 'aac', '-c:s', 'srt'],
      ...['-metadata:s:a:0', 'language=ger', '-metadata:s:a:1', 'language=eng'],
      ...[
        '-attach',
        cover,
        '-metadata:s:t',
        'mimetype=image/png',
        '-metadata:s:t',
        'filename=cover.png',
        path,
      ],
    );
  } finally {
    await Promise.all([subtitles, cover].map((each) => rm(each, { force: true })));
  }
}

async function makeVfrRotated(path: string): Promise<void> {
  const upright = `${path}.plain.mp4`;
  try {
    await makeMedia(
      ...[...picture('640x360', 4), ...sound(4)],
      ...[
        '-vf',
        String.raw`select='not(mod(n\,3))+gt(n\,60)'`,
        '-fps_mode',
        'vfr',
        ...h264(),
        '-c:a',
        'aac',
        upright,
      ],
    );
    // In ffmpeg 5.1 this tag turns counter-clockwise by 90: players turn clockwise by 270.
    await makeMedia('-i', upright, ...copy, '-metadata:s:v', 'rotate=90', path);
  } finally {
    await rm(upright, { force: true });
  }
}

async function makeOldVfrRotated(path: string): Promise<void> {
  const plain = `${path}.plain.mp4`;
  const everyFrame = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];
  try {
    const source = ['-noautorotate', '-i', await cached('vfrRotated')];
    await makeMedia(...source, '-c:v', 'mpeg4', '-q:v', '3', ...everyFrame, '-c:a', 'copy', plain);
    await makeMedia('-i', plain, ...copy, '-metadata:s:v', 'rotate=90', path);
  } finally {
    await rm(plain, { force: true });
  }
}

async function makeCoverArt(path: string): Promise<void> {
  const cover = `${path}.png`;
  try {
    await makeMedia(...picture('300x300', 1, 1), '-frames:v', '1', cover);
    await makeMedia(
      ...sound(2),
      '-i',
      cover,
      '-map',
      '0',
      '-map',
      '1',
      '-c:a',
      'mp3',
      '-disposition:v',
      'attached_pic',
      path,
    );
  } finally {
    await rm(cover, { force: true });
  }
}

async function makeTruncatedMkv(path: string): Promise<void> {
  const whole = `${path}.whole.mkv`;
  try {
    await makeMedia('-i', await cached('h264'), ...copy, whole);
    const content = await readFile(whole);
    await writeFile(path, content.subarray(0, Math.floor(content.length * 0.7)));
  } finally {
    await rm(whole, { force: true });
  }
}

async function makeNoiseInside(path: string): Promise<void> {
  const content = await readFile(await cached('noAudio'));
  const start = content.indexOf('mdat') + 4;
  const end = content.indexOf('moov') - 4;
  seededBytes(11, end - start).copy(content, start);
  await writeFile(path, content);
}

async function makeManyStreams(path: string): Promise<void> {
  const maps = Array.from({ length: 100 }, () => ['-map', '0:v:0']).flat();
  await makeMedia('-i', await cached('noAudio'), ...maps, '-c', 'copy', path);
}

async function makeLongDeclared(path: string): Promise<void> {
  const content = await readFile(await cached('h264'));
  // In the movie header the length stands 16 bytes behind the version, counted in milliseconds here.
  content.writeUInt32BE(2_073_600_000, content.indexOf('mvhd') + 4 + 16);
  await writeFile(path, content);
}

async function makeCrowdedIndex(path: string): Promise<void> {
  const content = await readFile(await cached('noAudio'));
  const free = Buffer.from([0, 0, 0, 8, ...Buffer.from('free')]);
  const crowd = Buffer.alloc(5_000_000 * free.length, free);
  const index = content.indexOf('moov') - 4;
  content.writeUInt32BE(content.readUInt32BE(index) + crowd.length, index);
  await writeFile(path, Buffer.concat([content, crowd]));
}
