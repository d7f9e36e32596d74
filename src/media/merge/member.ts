import { open } from 'node:fs/promises';
import { SNIFF_BYTES, sniffContainer } from '../../domain/containerSniff.ts';
import { findPath, openIndex } from '../isobmffBox.ts';
import { readMovie, type Track } from '../mp4/movie.ts';
import type { CommonFormat } from './format.ts';

/** A file that can be laid end to end with others, and when its frames and packets are shown. */
export interface Member {
  path: string;
  /** When its frames are shown, in seconds and in this order. */
  frameTimes: Float64Array;
  sounds: MemberSound[];
  /** How much earlier than shown it is decoded, in ticks of its picture. */
  delayTicks: number;
  /** What a decoder of HEVC is told before the first frame; null for other codecs. */
  configuration: Buffer | null;
  /** From its beginning to where the next one begins. */
  lengthSec: number;
}

export interface MemberSound {
  timescale: number;
  packetTicks: number;
  /** When its packets begin, in ticks. */
  packetTimes: Float64Array;
  startSec: number;
  endSec: number;
}

/** Gives how many frames and packets a member is remembered by. */
export const countTimes = ({ frameTimes, sounds }: Member): number =>
  sounds.reduce((sum, { packetTimes }) => sum + packetTimes.length, frameTimes.length);

/** Where sound goes on for longer, the last frame stays until it ends. */
const LONGER_SOUND_SEC = 0.03;
/** Lengths in edit lists are often whole milliseconds. */
const EDIT_ROUNDING_SEC = 0.002;

/** Gives the length of most packets: the last one of a file is often cut. */
function usualTicks({ decodeTimes, count }: Track['samples']): number {
  const seen = new Map<number, number>();
  for (let at = 1; at < count; at++) {
    const ticks = (decodeTimes[at] ?? 0) - (decodeTimes[at - 1] ?? 0);
    seen.set(ticks, (seen.get(ticks) ?? 0) + 1);
  }
  return [...seen].reduce((most, each) => (each[1] > most[1] ? each : most), [0, 0])[0];
}

function endSec({ samples, shift, shownTo, timescale }: Track): number {
  const end = (samples.endTime + shift) / timescale;
  return shownTo / timescale < end - EDIT_ROUNDING_SEC ? shownTo / timescale : end;
}

const soundOf = (track: Track): MemberSound => ({
  timescale: track.timescale,
  packetTicks: usualTicks(track.samples),
  packetTimes: track.samples.shownTimes.map((time) => time + track.shift),
  startSec: Math.max(0, ((track.samples.shownTimes[0] ?? 0) + track.shift) / track.timescale),
  endSec: endSec(track),
});

/** As ffmpeg reads it: no frame is decoded after it is shown. */
function delayOf({ samples, shift }: Track): number {
  const earliest = samples.shownTimes.reduce(
    (least, time, at) => Math.min(least, time - (samples.decodeTimes[at] ?? 0)),
    0,
  );
  return -((samples.decodeTimes[0] ?? 0) + shift + earliest);
}

/** Where the boxes inside a sample entry of a picture begin (ISO/IEC 14496-12, 12.1.3). */
const ENTRY_HEAD_BYTES = 86;

function configurationOf({ entry }: Track): Buffer | null {
  const box = findPath(openIndex(entry), { start: ENTRY_HEAD_BYTES, end: entry.length }, ['hvcC']);
  // Copied: a view would keep the whole index of the file in memory.
  return box && Buffer.from(entry.subarray(box.start, box.end));
}

/** Gives when frames are shown, sorted; in seconds of the movie. */
export const frameTimesOf = ({ samples, shift, timescale }: Track): Float64Array =>
  samples.shownTimes.map((time) => (time + shift) / timescale).sort();

/** Whether a picture begins with a frame that needs no other and is the first to be seen, and shows all it holds. */
function isWhole(track: Track, frameTimes: Float64Array): boolean {
  const { samples, shift, timescale, shownFrom, shownTo } = track;
  const [first, last] = [frameTimes[0] ?? 0, frameTimes.at(-1) ?? 0];
  const begins = samples.isSync[0] === 1 && ((samples.shownTimes[0] ?? 0) + shift) / timescale === first;
  return begins && first >= shownFrom / timescale - EDIT_ROUNDING_SEC && last < shownTo / timescale;
}

async function isMp4(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(head, 0, SNIFF_BYTES, 0);
    return sniffContainer(head.subarray(0, bytesRead)) === 'isobmff';
  } finally {
    await file.close();
  }
}

/** Origins further from zero than this are moved there by ffmpeg when it opens a member. */
const ORIGIN_SEC = 0.0005;

/**
 * Looks at a file as a possible member: picture first, then the tracks of sound, in the common time bases.
 *
 * @returns null when it is laid out otherwise, or when its pictures cannot follow others
 * @throws UnusableMediaError when its index is made of more boxes than any video needs
 */
export async function inspectMember(path: string, format: CommonFormat): Promise<Member | null> {
  const movie = (await isMp4(path)) ? await readMovie(path) : null;
  const [picture, ...rest] = movie?.tracks ?? [];
  if (!movie || picture?.kind !== 'video' || Math.abs(movie.originSec) > ORIGIN_SEC) return null;
  const sounds = rest.slice(0, format.sounds.length);
  const isOrdered = [picture, ...sounds].every(
    ({ index, kind }, at) => index === at && kind === (at === 0 ? 'video' : 'audio'),
  );
  const isComplete = sounds.length === format.sounds.length;
  const hasTimescales =
    picture.timescale === format.picture.timescale &&
    sounds.every(({ timescale }, at) => timescale === format.sounds[at]?.sampleRate);
  if (!isOrdered || !isComplete || !hasTimescales) return null;
  const frameTimes = frameTimesOf(picture);
  if (!isWhole(picture, frameTimes)) return null;
  const heard = sounds.map(soundOf);
  const pictureEnd = endSec(picture);
  const soundEnd = Math.max(0, ...heard.map((sound) => sound.endSec));
  const lengthSec = soundEnd > pictureEnd + LONGER_SOUND_SEC ? soundEnd : pictureEnd;
  return {
    ...{ path, frameTimes, sounds: heard, lengthSec: Math.round(lengthSec * 1e6) / 1e6 },
    delayTicks: delayOf(picture),
    configuration: configurationOf(picture),
  };
}
