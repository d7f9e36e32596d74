import type { MediaFacts } from '../../domain/media.ts';
import type { Runner, Watch } from '../runner.ts';
import { pictureTimesArgs } from './commands.ts';
import { encodeLimits } from './limits.ts';

/** How far back is looked first, and how much farther each time. */
const [FIRST_STEP_SEC, STEP_FACTOR] = [4, 8];
/** The closer reading begins, the more exactly a time is told: it has six digits. */
const CLOSE_SEC = 1;

interface HeldRequest {
  inputPath: string;
  facts: MediaFacts;
  /** No picture begins from here on until the end of the range. */
  beforeSec: number;
}

/**
 * Finds the picture that is still shown at a time, by decoding from ever farther back.
 *
 * @returns when it begins, in seconds from where a player does; null when there is none
 * @throws as `Runner.run`
 */
export async function findHeldPicture(
  runner: Runner,
  { inputPath, facts, beforeSec }: HeldRequest,
  watch: Watch,
): Promise<number | null> {
  const lastFrom = async (seekSec: number): Promise<number | null> => {
    const toSec = beforeSec - seekSec;
    const range = { seekSec, fromSec: 0, toSec, soundToSec: toSec, isOwnLine: false };
    const run = await runner.run(
      {
        tool: 'ffmpeg',
        args: pictureTimesArgs({ inputPath, streamIndex: facts.videoStreamIndex, range }),
        limits: { ...encodeLimits(facts, range), fileSizeBytes: 0 },
        output: 'progress',
      },
      watch,
    );
    const { lastSeenSec } = run.progress;
    return lastSeenSec === null ? null : seekSec + lastSeenSec;
  };

  let found: number | null = null;
  for (let backSec = FIRST_STEP_SEC; found === null; backSec *= STEP_FACTOR) {
    const seekSec = Math.max(0, Math.floor(beforeSec - backSec));
    found = await lastFrom(seekSec);
    if (seekSec === 0) break;
  }
  return found === null ? null : lastFrom(Math.max(0, Math.floor(found - CLOSE_SEC)));
}
