import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { ToolLimits } from '../confinement.ts';
import { inFull } from '../inFull.ts';
import type { OutputMovie, OutputTrack } from '../mp4/outputTrack.ts';
import type { Runner, Watch } from '../runner.ts';
import { countPacketsArgs, decodeWindowArgs } from './commands.ts';
import { checkLimits } from './limits.ts';
import { closedPoints } from './plan.ts';

/** What a result must turn out to be. */
export interface Expectation {
  /** When each picture is shown, rising, the first at zero. */
  timesSec: number[];
  /** Which of them decoding can begin at. */
  entries: number[];
  lengthSec: number;
  /** Where pieces meet. */
  seamsSec: number[];
  /** How long each sound track lasts, silence before it included. */
  soundsSec: number[];
}

/** How much is decoded on each side of a seam, and at both ends. */
const WINDOW_SEC = 1;
const ACCEPTED_DIFFERENCE_SEC = 0.03;

const counted = z.object({
  streams: z.array(
    z.object({
      codec_type: z.string(),
      nb_read_packets: z.coerce.number(),
      start_time: z.coerce.number(),
      duration: z.coerce.number(),
    }),
  ),
});

interface Window {
  fromSec: number;
  toSec: number;
}

/** The pieces of a result worth decoding: its ends and its seams, those that touch as one. */
export function windowsOf({ lengthSec, seamsSec }: Pick<Expectation, 'lengthSec' | 'seamsSec'>): Window[] {
  const windows: Window[] = [];
  for (const middle of [0, ...seamsSec, lengthSec].toSorted((one, other) => one - other)) {
    const [fromSec, toSec] = [Math.max(0, middle - WINDOW_SEC), Math.min(lengthSec, middle + WINDOW_SEC)];
    const open = windows.at(-1);
    if (open && fromSec <= open.toSec) open.toSec = toSec;
    else windows.push({ fromSec, toSec });
  }
  return windows;
}

/**
 * Moves the ends of a window between pictures, where no rounding decides, and its beginning right behind a
 * picture at which decoding can begin: from elsewhere a decoder complains of what it was not given. Gives
 * how many pictures the window holds then.
 */
function snap({ timesSec, entries, lengthSec }: Expectation, { fromSec, toSec }: Window) {
  const entry = entries.findLast((at) => (timesSec[at] as number) <= fromSec) ?? 0;
  const from = fromSec === 0 || entry === timesSec.length - 1 ? 0 : entry + 1;
  const next = timesSec.findIndex((time, at) => at > from && time >= toSec);
  const to = next < 0 ? timesSec.length : next;
  const before = (at: number) =>
    at === timesSec.length ? lengthSec + WINDOW_SEC : ((timesSec[at - 1] ?? 0) + (timesSec[at] ?? 0)) / 2;
  return { window: { fromSec: from === 0 ? 0 : before(from), toSec: before(to) }, pictures: to - from };
}

/** The places, in the order of showing, of the pictures at which decoding can begin. */
function entriesOf({ samples, mediaTime }: OutputTrack, ticks: readonly number[]): number[] {
  const { count, durations, delays, isSync } = samples;
  const shownTimes = new Float64Array(count);
  let decoded = 0;
  for (let at = 0; at < count; at++) {
    shownTimes[at] = decoded + (delays[at] as number) - mediaTime;
    decoded += durations[at] as number;
  }
  const { isOpening } = closedPoints({ shownTimes, count });
  const places: number[] = [];
  let place = 0;
  for (let at = 0; at < count; at++) {
    if (!isSync[at] || !isOpening(at)) continue;
    while ((ticks[place] as number) < (shownTimes[at] as number)) place++;
    places.push(place);
  }
  return places;
}

/**
 * Says what was written, as the check expects to find it.
 *
 * @param ticks when each picture is shown, in ticks of the video's track
 * @param seams where pieces meet, in the same
 */
export function expectationOf({ tracks }: OutputMovie, ticks: number[], seams: number[]): Expectation {
  const [video, ...sounds] = tracks as [OutputTrack, ...OutputTrack[]];
  const toSeconds = (tick: number) => tick / video.timescale;
  return {
    timesSec: ticks.map(toSeconds),
    seamsSec: seams.map(toSeconds),
    entries: entriesOf(video, ticks),
    lengthSec: video.lengthSec,
    soundsSec: sounds.map(({ silentSec, lengthSec }) => silentSec + lengthSec),
  };
}

interface Result {
  path: string;
  limits: ToolLimits;
}

/** Makes the function that says whether a result is what it should be. */
export function createResultCheck({ runner }: { runner: Runner }) {
  const countsRight = async ({ path, limits }: Result, expected: Expectation, watch: Watch) => {
    const args = countPacketsArgs(path);
    const run = await runner.run({ tool: 'ffprobe', args, limits, output: 'text' }, watch);
    if (run.exitCode !== 0) return false;
    const report = counted.safeParse(JSON.parse(run.stdout));
    if (!report.success) return false;
    const [video, ...others] = report.data.streams;
    const isNear = (one: number, other: number) => Math.abs(one - other) < ACCEPTED_DIFFERENCE_SEC;
    return (
      video?.codec_type === 'video' &&
      video.nb_read_packets === expected.timesSec.length &&
      Math.abs(video.start_time) < 0.001 &&
      isNear(video.duration, expected.lengthSec) &&
      others.length === expected.soundsSec.length &&
      others.every(
        ({ duration, start_time }, at) =>
          isNear(start_time + duration, expected.soundsSec[at] as number) ||
          isNear(duration, expected.soundsSec[at] as number),
      )
    );
  };

  const decodesRight = async (
    { path, limits }: Result,
    expected: Expectation,
    wide: Window,
    watch: Watch,
  ) => {
    const { window, pictures } = snap(expected, wide);
    const args = decodeWindowArgs(path, window);
    const run = await runner.run({ tool: 'ffmpeg', args, limits, output: 'progress' }, watch);
    return run.exitCode === 0 && run.stderrTail === '' && run.progress.frames === pictures;
  };

  /**
   * Says whether a result has the pictures and the sound it should have, and decodes without a complaint
   * at its ends and where its pieces meet.
   *
   * @throws as `Runner.run`
   */
  return async function checkResult(path: string, expected: Expectation, watch: Watch): Promise<boolean> {
    const quiet = { ...watch, onProgress: () => undefined };
    const result = { path, limits: checkLimits((await stat(path)).size) };
    const checks = [
      countsRight(result, expected, quiet),
      ...windowsOf(expected).map((window) => decodesRight(result, expected, window, quiet)),
    ];
    return (await inFull(checks)).every((isRight) => isRight);
  };
}

export type CheckResult = ReturnType<typeof createResultCheck>;
