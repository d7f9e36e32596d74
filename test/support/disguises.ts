import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fixture } from './mediaFixtures.ts';

/**
 * Uploads that claim to be videos and are orders to read another file. Each names the canary in one of
 * the ways that some demuxer follows.
 */
type Disguise = (canary: string) => Buffer | string | Promise<Buffer>;

const hls = (...lines: string[]) =>
  ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:10', ...lines, '#EXT-X-ENDLIST', ''].join('\n');
const segment = (uri: string) => hls('#EXTINF:10.0,', uri);

const dash = (baseUrl: string, media: string) => `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:isoff-main:2011">
<Period duration="PT2S"><BaseURL>${baseUrl}</BaseURL><AdaptationSet mimeType="video/mp2t">
<Representation id="1" bandwidth="1000"><BaseURL>${media}</BaseURL>
<SegmentList duration="2"><SegmentURL media="${media}"/></SegmentList></Representation></AdaptationSet></Period></MPD>`;

const DISGUISES: Record<string, Disguise> = {
  'hls-file-url.mp4': (canary) => segment(`file://${canary}`),
  'hls-path.mp4': (canary) => segment(canary),
  'hls-relative.mp4': (canary) => segment(basename(canary)),
  'hls-relative.avi': (canary) => segment(basename(canary)),
  'hls-relative.bin': (canary) => segment(basename(canary)),
  'hls-relative.m3u8': (canary) => segment(basename(canary)),
  'hls-concat.mp4': (canary) => segment(`concat:${canary}|${canary}`),
  'hls-subfile.mp4': (canary) => segment(`subfile,,start,0,end,1000,,:${canary}`),
  'hls-crypto.mp4': (canary) => segment(`crypto:${canary}`),
  'hls-data.mp4': (canary) => segment(`data:video/mp2t;base64,${Buffer.from(canary).toString('base64')}`),
  'hls-key.mp4': (canary) =>
    hls(
      `#EXT-X-KEY:METHOD=AES-128,URI="file://${canary}",IV=0x${'0'.repeat(32)}`,
      '#EXTINF:10.0,',
      basename(canary),
    ),
  'hls-map.mp4': (canary) => hls(`#EXT-X-MAP:URI="${basename(canary)}"`, '#EXTINF:10.0,', basename(canary)),
  'hls-master.mp4': (canary) =>
    `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=320x240\n${basename(canary)}\n`,
  'hls-subtitles.mp4': (canary) =>
    `#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s",DEFAULT=YES,URI="${basename(canary)}"\n` +
    `#EXT-X-STREAM-INF:BANDWIDTH=1000,SUBTITLES="s"\n${basename(canary)}\n`,
  'ffconcat-relative.mp4': (canary) => `ffconcat version 1.0\nfile ${basename(canary)}\n`,
  'ffconcat-path.mp4': (canary) => `ffconcat version 1.0\nfile '${canary}'\n`,
  'dash-file-url.mp4': (canary) => dash(`file://${canary}`, ''),
  'dash-relative.mp4': (canary) => dash('./', basename(canary)),
  'sdp.mp4': (canary) =>
    `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:file://${canary}\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
  'svg.mp4': (canary) =>
    `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64"><image width="64" height="64" xlink:href="file://${canary}"/></svg>`,
  'ass.mp4': (canary) =>
    `[Script Info]\nScriptType: v4.00+\nVideo File: ${canary}\n\n[Events]\nFormat: Layer, Start, End, Text\nDialogue: 0,0:00:00.00,0:00:02.00,${canary}\n`,
  'webvtt.mp4': (canary) =>
    `WEBVTT\n\nSTYLE\n::cue{background:url(file://${canary})}\n\n00:00.000 --> 00:02.000\nx\n`,
  'avisynth.mp4': (canary) => `AviSource("${canary}")\n`,
  'playlist.mp4': (canary) => `[playlist]\nFile1=${canary}\nNumberOfEntries=1\nVersion=2\n`,
  'url-shortcut.mp4': (canary) => `[InternetShortcut]\nURL=file://${canary}\n`,
  'asx.mp4': (canary) => `<asx version="3.0"><entry><ref href="file://${canary}"/></entry></asx>`,
  'mov-alias.mov': async (canary) => aliasMovie(await readFile(await fixture('h264')), canary),
  'mov-url.mp4': async (canary) =>
    replaceDataReference(
      await readFile(await fixture('h264')),
      box('url ', 0, Buffer.from(`file://${canary}\0`)),
    ),
  'hls-in-avi-subtitle.avi': async (canary) =>
    withSubtitleStream(await readFile(await fixture('avi')), segment(`file://${canary}`)),
};

export const DISGUISE_NAMES = Object.keys(DISGUISES);

/** Writes every disguise into a folder next to the canary; gives their paths. */
export async function writeDisguises(folder: string, canary: string): Promise<string[]> {
  return Promise.all(
    Object.entries(DISGUISES).map(async ([name, make]) => {
      const path = join(folder, name);
      await writeFile(path, await make(canary));
      return path;
    }),
  );
}

/** A box with version 0 and these flags. */
function box(type: string, flags: number, content: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32BE(12 + content.length, 0);
  head.write(type, 4, 'latin1');
  head.writeUInt32BE(flags, 8);
  return Buffer.concat([head, content]);
}

const ANCESTORS = ['moov', 'trak', 'mdia', 'minf', 'dinf', 'dref'];

/** Puts another entry into the first track's list of data references; the index stands behind the media. */
function replaceDataReference(movie: Buffer, entry: Buffer): Buffer {
  const changed = Buffer.from(movie);
  let at = 0;
  for (const type of ANCESTORS) at = changed.indexOf(type, at, 'latin1');
  const oldEntry = at + 12;
  const growth = entry.length - changed.readUInt32BE(oldEntry);
  let from = 0;
  for (const type of ANCESTORS) {
    from = changed.indexOf(type, from, 'latin1');
    changed.writeUInt32BE(changed.readUInt32BE(from - 4) + growth, from - 4);
  }
  return Buffer.concat([
    changed.subarray(0, oldEntry),
    entry,
    changed.subarray(oldEntry + changed.readUInt32BE(oldEntry)),
  ]);
}

/** A Macintosh alias record as ffmpeg's demuxer reads it: volume, name, levels, then typed entries. */
function aliasMovie(movie: Buffer, canary: string): Buffer {
  const fixed = Buffer.alloc(150);
  const name = basename(canary);
  fixed.writeUInt8(name.length, 50);
  fixed.write(name, 51, 'latin1');
  fixed.writeUInt16BE(1, 130);
  fixed.writeUInt16BE(1, 132);
  const path = Buffer.from(
    canary.replaceAll('/', ':').padEnd(canary.length + (canary.length % 2), '\0'),
    'latin1',
  );
  const pathEntry = Buffer.concat([Buffer.from([0, 2, 0, path.length]), path]);
  return replaceDataReference(
    movie,
    box('alis', 0, Buffer.concat([fixed, pathEntry, Buffer.from([255, 255, 0, 0])])),
  );
}

const chunk = (id: string, content: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
};
const list = (type: string, ...parts: Buffer[]) =>
  chunk('LIST', Buffer.concat([Buffer.from(type, 'latin1'), ...parts]));

/** Gives an AVI a third stream of text whose one packet holds a "subtitle file" (the GAB2 form). */
function withSubtitleStream(avi: Buffer, text: string): Buffer {
  const header = Buffer.alloc(56);
  header.write('txts', 0, 'latin1');
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(1, 24);
  header.writeUInt32LE(1, 32);
  const stream = list('strl', chunk('strh', header), chunk('strf', Buffer.alloc(0)));
  const name = Buffer.from('x\0', 'utf16le');
  const gab2 = Buffer.concat([
    ...[Buffer.from('GAB2\0', 'latin1'), uint16(2), uint32(name.length), name],
    ...[uint16(4), uint32(text.length), Buffer.from(text, 'latin1')],
  ]);
  const changed = Buffer.from(avi);
  const hdrl = changed.indexOf('hdrl', 0, 'latin1');
  const hdrlEnd = hdrl + changed.readUInt32LE(hdrl - 4);
  changed.writeUInt32LE(changed.readUInt32LE(hdrl - 4) + stream.length, hdrl - 4);
  const streamCount = changed.indexOf('avih', 0, 'latin1') + 8 + 24;
  changed.writeUInt32LE(changed.readUInt32LE(streamCount) + 1, streamCount);
  const movi = changed.indexOf('movi', 0, 'latin1');
  const packet = chunk('02tx', gab2);
  changed.writeUInt32LE(changed.readUInt32LE(movi - 4) + packet.length, movi - 4);
  changed.writeUInt32LE(changed.readUInt32LE(4) + stream.length + packet.length, 4);
  return Buffer.concat([
    ...[changed.subarray(0, hdrlEnd), stream, changed.subarray(hdrlEnd, movi + 4), packet],
    changed.subarray(movi + 4),
  ]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
