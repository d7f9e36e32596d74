import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyLimits } from '../copyLimits.ts';
import { decodesWell } from '../decodeArgs.ts';
import { rethrowDiskError } from '../diskErrors.ts';
import { percentOfLength } from '../progress.ts';
import type { Runner, Watch } from '../runner.ts';
import { isTrueToPieces, seamPlaces } from './check.ts';
import { decodeListArgs, joinArgs, type ListEntry, listText } from './commands.ts';
import type { CommonFormat } from './format.ts';
import { offsetsOf, trainOf } from './offsets.ts';
import type { Piece } from './pieces.ts';
import { turnPicture } from './turnPicture.ts';

const RESULT_NAME = 'joined.mp4';

export interface JoinWork {
  pieces: readonly Piece[];
  format: CommonFormat;
  /** Where the pieces are, by their names. */
  folder: string;
  sizeBytes: number;
}

/** Makes the functions that lay pieces end to end and look at what came of it. */
export function createJoiner({ runner }: { runner: Runner }) {
  const writeList = async (path: string, entries: readonly ListEntry[]): Promise<string> => {
    await writeFile(path, listText(entries)).catch(rethrowDiskError);
    return path;
  };

  /** Whether all joins decode; one process for all of them, so that the decoder goes on from one into the other. */
  const decodes = async ({ pieces, folder, sizeBytes }: JoinWork, watch: Watch): Promise<boolean> => {
    const places = await seamPlaces(join(folder, RESULT_NAME), pieces);
    const entries = places.map(({ fromSec, toSec }) => ({
      // A moment later, since a seek to the very time of a key frame may be rounded to before it.
      ...{ name: RESULT_NAME, inpointSec: fromSec + 0.001, outpointSec: toSec },
    }));
    const listPath = await writeList(join(folder, 'seams.txt'), entries);
    const lengthSec = offsetsOf(pieces).at(-1) ?? 0;
    const limits = { ...copyLimits(sizeBytes, pieces.length * 10), fileSizeBytes: 0 };
    const args = decodeListArgs(listPath, lengthSec + 10);
    const run = await runner.run({ tool: 'ffmpeg', args, limits, output: 'progress' }, watch);
    return decodesWell(run, places.length);
  };

  return {
    /**
     * Writes the result into the folder.
     *
     * @returns its path; null when the tool failed, or the check of the result did
     * @throws as `Runner.run`
     */
    async join(work: JoinWork, watch: Watch): Promise<string | null> {
      const { pieces, format, folder, sizeBytes } = work;
      const offsets = offsetsOf(pieces);
      const lengthSec = offsets.at(-1) ?? 0;
      const listPath = await writeList(
        join(folder, 'pieces.txt'),
        pieces.map(({ name, lengthSec: durationSec }) => ({ name, durationSec })),
      );
      const outputPath = join(folder, RESULT_NAME);
      const args = joinArgs({
        ...{ listPath, outputPath, codec: format.picture.codec, timescale: format.picture.timescale },
        delays: pieces.map(({ delayTicks }, at) => ({
          startTicks: Math.round((offsets[at] ?? 0) * format.picture.timescale) - 1,
          delayTicks,
        })),
        sounds: format.sounds.map(({ language }, track) => ({ language, ...trainOf(pieces, track) })),
        lengthSec: lengthSec + 10,
      });
      const limits = copyLimits(sizeBytes, lengthSec);
      const percentOf = percentOfLength(lengthSec);
      const run = await runner.run({ tool: 'ffmpeg', args, limits, output: 'progress', percentOf }, watch);
      if (run.exitCode !== 0) return null;
      if (format.picture.rotation > 0) await turnPicture(outputPath, format.picture).catch(rethrowDiskError);
      const isGood = (await isTrueToPieces(outputPath, pieces, format)) && (await decodes(work, watch));
      return isGood ? outputPath : null;
    },
  };
}
