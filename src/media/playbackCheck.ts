import type { MediaFacts } from '../domain/media.ts';
import { planPlayback } from '../domain/playback.ts';
import { UnusableMediaError } from '../errors.ts';
import { measureLengthArgs } from './commands.ts';
import { decodesWell } from './decodeArgs.ts';
import { inFull } from './inFull.ts';
import { decodePartArgs } from './playbackCommands.ts';
import type { Probe } from './probe.ts';
import type { Runner, ToolRun, Watch } from './runner.ts';

export interface MadePlayback {
  path: string;
  inputPath: string;
  /** Of the source. */
  facts: MediaFacts;
  /** The run that made it. */
  run: ToolRun;
  /** Whether its picture is the source's own. */
  isCopy: boolean;
}

/** One frame, and what a container rounds. */
const FRAMES_OFF = 1.5;
const ROUNDING_SEC = 0.05;
/** What a damaged source may have lost: frames before its first whole one, and some in between. */
const DAMAGE_SEC = 2;
const DAMAGE_SHARE = 0.02;
const SLOWEST_FPS = 10;
/** Widths are rounded to even numbers. */
const SHAPE_OFF = 0.05;

const MIB = 1024 * 1024;
const limitsFor = ({ durationSec, sizeBytes }: MediaFacts) => {
  const wallClockSec = 60 + durationSec * 2 + sizeBytes / (10 * MIB);
  return { wallClockSec, cpuSec: wallClockSec * 2, fileSizeBytes: 0 };
};

/** Makes the check that a rendition passes before it gets its name. */
export function createPlaybackCheck({ runner, probe }: { runner: Runner; probe: Probe }) {
  const decodes = async ({ path, facts }: MadePlayback, part: 'start' | 'end', watch: Watch) => {
    const args = decodePartArgs({ inputPath: path, part, lengthSec: facts.durationSec * 2 + 60 });
    const run = await runner.run(
      { tool: 'ffmpeg', args, limits: limitsFor(facts), output: 'progress' },
      watch,
    );
    return decodesWell(run, 1);
  };

  /** What a header says may be wrong, or speak of the sound: then the packets of the picture are counted. */
  const isWhole = async (made: MadePlayback, lengthSec: number, watch: Watch): Promise<boolean> => {
    const { inputPath, facts, run, isCopy } = made;
    const isDamaged = !isCopy && run.stderrTail !== '';
    const allowedSec = (wantedSec: number) =>
      FRAMES_OFF / (facts.fps ?? SLOWEST_FPS) +
      ROUNDING_SEC +
      (isDamaged ? DAMAGE_SEC + DAMAGE_SHARE * wantedSec : 0);
    const isNear = (wantedSec: number) => Math.abs(lengthSec - wantedSec) <= allowedSec(wantedSec);
    if (isNear(facts.durationSec)) return true;
    const args = measureLengthArgs(inputPath, facts.videoStreamIndex, facts.durationSec * 2 + 60);
    const counted = await runner.run(
      { tool: 'ffmpeg', args, limits: limitsFor(facts), output: 'progress' },
      watch,
    );
    return isNear(counted.progress.outTimeSec ?? 0);
  };

  /**
   * Looks at a rendition as a browser will: it needs nothing more, decodes at both ends, is upright, and as long as
   * its source.
   *
   * @returns its facts; null when it will not do
   * @throws as `Runner.run`
   */
  return async function checkPlayback(made: MadePlayback, watch: Watch): Promise<MediaFacts | null> {
    const [facts, ...decoded] = await inFull([
      probe(made.path, watch).catch((error: unknown) => {
        if (error instanceof UnusableMediaError) return null;
        throw error;
      }),
      decodes(made, 'start', watch),
      decodes(made, 'end', watch),
    ]);
    if (!facts || decoded.includes(false) || planPlayback(facts).work !== 'none') return null;
    if (!hasShapeOf(facts, made.facts)) return null;
    return (await isWhole(made, facts.durationSec, watch)) ? facts : null;
  };
}

const hasShapeOf = (one: MediaFacts, other: MediaFacts): boolean => {
  const stretch = one.width / one.height / (other.width / other.height);
  const rounding = SHAPE_OFF + 2 / Math.min(one.width, one.height);
  return Math.abs(stretch - 1) <= rounding;
};
