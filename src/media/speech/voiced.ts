import { type Levels, NOTHING_DB } from './levels.ts';

/** A stretch of windows, the end not included. */
export interface WindowRange {
  from: number;
  to: number;
}

/** Half a minute, which is judged with the one before and the one behind: long enough to hold speech and pauses. */
const BLOCK_WINDOWS = 1500;
/** How far below the speech around it a pause lies at least, and at most is asked to. */
const [LEAST_BELOW_DB, MOST_BELOW_DB] = [6, 35];
/** Where in the range between what is behind the speech and the speech itself a pause ends. */
const SHARE_OF_RANGE = 0.35;
/** What is this much quieter than most of the track is no speech, though nothing louder be near. */
const FAR_BELOW_DB = 30;
/** A single word in a minute and a half is louder than the ninety-ninth part of it. */
const [QUIET_SHARE, LOUD_SHARE] = [0.1, 0.99];

/**
 * Gives where a track is not silent. By what is around, not by a fixed level: quiet speech is speech, and a pause in a
 * noisy room is a pause.
 */
export function findVoiced({ loudness }: Pick<Levels, 'loudness'>): WindowRange[] {
  const thresholds = findThresholds(loudness);
  const ranges: WindowRange[] = [];
  let from = -1;
  for (let at = 0; at <= loudness.length; at++) {
    const threshold = thresholds[Math.floor(at / BLOCK_WINDOWS)] ?? 0;
    const isVoiced = at < loudness.length && (loudness[at] as number) > threshold;
    if (isVoiced && from < 0) from = at;
    if (isVoiced || from < 0) continue;
    ranges.push({ from, to: at });
    from = -1;
  }
  return ranges;
}

/** Gives the level in dBFS up to which each block counts as silent. */
function findThresholds(loudness: Int8Array): number[] {
  const blocks: Uint32Array[] = [];
  for (let at = 0; at < loudness.length; at += BLOCK_WINDOWS)
    blocks.push(countLevels(loudness.subarray(at, at + BLOCK_WINDOWS)));
  const usual = levelAt(blocks, LOUD_SHARE);
  return blocks.map((_, at) => {
    const around = blocks.slice(Math.max(0, at - 1), at + 2);
    const speech = Math.max(levelAt(around, LOUD_SHARE), usual - FAR_BELOW_DB);
    const floor = levelAt(around, QUIET_SHARE);
    const wanted = Math.max(speech - MOST_BELOW_DB, floor + SHARE_OF_RANGE * (speech - floor));
    return Math.max(NOTHING_DB, Math.min(wanted, speech - LEAST_BELOW_DB));
  });
}

function countLevels(loudness: Int8Array): Uint32Array {
  const counts = new Uint32Array(1 - NOTHING_DB);
  for (const level of loudness) counts[level - NOTHING_DB] = (counts[level - NOTHING_DB] as number) + 1;
  return counts;
}

/** The level that this share of all windows does not exceed. */
function levelAt(blocks: readonly Uint32Array[], share: number): number {
  const countOf = (level: number) => blocks.reduce((sum, counts) => sum + (counts[level] as number), 0);
  const levels = Array.from({ length: 1 - NOTHING_DB }, (_, level) => countOf(level));
  const wanted = share * levels.reduce((sum, count) => sum + count, 0);
  let [level, seen] = [0, levels[0] as number];
  while (seen < wanted) seen += levels[++level] as number;
  return level + NOTHING_DB;
}
