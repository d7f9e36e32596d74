import { open, rename, rm } from 'node:fs/promises';
import { rethrowDiskError } from '../diskErrors.ts';
import type { EditOutcome } from '../editOutcome.ts';
import { joinPieces } from '../mp4/outputTrack.ts';
import { writeMovie } from '../mp4/writeMovie.ts';
import { createPasses } from '../passes.ts';
import type { Runner, Watch } from '../runner.ts';
import { createResultCheck, expectationOf } from './checkResult.ts';
import { beginsHeld, planKeyframeCut, type Selection, secondsAt, selectPictures } from './plan.ts';
import { type CutVideo, createLook, cutSmart, isSmartKind, type SmartRequest } from './smartCut.ts';
import { cutAllSound } from './sound.ts';
import { type OpenSource, openSource } from './source.ts';
import type { TrimRequest } from './trimRequest.ts';

/** A cut that is ready to be written: what it shows, from which tick of the source to which. */
interface Cut extends CutVideo {
  method: 'copy' | 'smart';
  from: number;
  end: number;
}

/** Of the time: opening, cutting, writing, checking. */
const SHARES = [20, 30, 30, 20];

const microseconds = (sec: number): number => Math.max(0, Math.round(sec * 1e6) / 1e6);

async function cutAtKeyframes(
  { movie, video }: OpenSource,
  selection: Selection,
  { signal }: Watch,
): Promise<Cut | null> {
  const file = await open(movie.path);
  const isH264 = video.entry.toString('latin1', 4, 7) === 'avc';
  const canBegin = isH264 ? createLook(file, video, signal) : () => Promise.resolve(true);
  const plan = await planKeyframeCut(video, selection, canBegin).finally(() => file.close());
  if (!plan) return null;
  const zero = plan.copied[0] as number;
  const times = plan.copied.map((time) => time - zero);
  const length = plan.end - zero;
  const joined = joinPieces([{ file: 0, track: video, from: plan.from, to: plan.to }], [times], length);
  if (!joined) return null;
  const track = { ...video, ...joined, silentSec: 0, lengthSec: length / video.timescale };
  return {
    ...{ method: 'copy', from: zero, end: plan.end, seams: [], times },
    movie: { files: [movie.path], tracks: [track] },
  };
}

/** What may be waited for on the queue of short work, in seconds. */
const QUICK_SEC = 10;

/** Whether what a cut encodes is done on the queue of short work. */
export const isQuick = (workSec: number): boolean => workSec <= QUICK_SEC;

export type TrimByCopying = ReturnType<typeof createTrimByCopying>;

/** Makes the function that trims without encoding, or with as little of it as there can be, where that is quick. */
export function createTrimByCopying({ runner }: { runner: Runner }) {
  const trimCopying = createCopyingTrim({ runner });

  /**
   * Trims by copying: whole groups of pictures for `keyframe`; for `exact` all but the pictures at both ends
   * that depend on others outside, which are encoded to match.
   *
   * @returns null when the video cannot be copied from, too little of it can, what must be encoded takes long, or the
   * check of the result failed; nothing is left then
   * @throws as `Runner.run`
   */
  return (request: TrimRequest, watch: Watch): Promise<EditOutcome | null> =>
    trimCopying(request, isQuick, watch);
}

/** Makes the function that copies what can be copied, whatever that takes. */
export function createCopyingTrim({ runner }: { runner: Runner }) {
  const checkResult = createResultCheck({ runner });

  const cutVideo = async (
    request: TrimRequest & Pick<SmartRequest, 'isAccepted'>,
    source: OpenSource,
    watch: Watch,
  ): Promise<Cut | null> => {
    const { facts, mode, outputPath, startSec, isAccepted } = request;
    const selection = selectPictures(source.video, source.movie.originSec, request);
    if (!selection) return null;
    if (mode === 'keyframe') return cutAtKeyframes(source, selection, watch);
    if (beginsHeld(source.video, source.movie.originSec, startSec, selection)) return null;
    const smart = { source, selection, facts, scratchPath: outputPath, isAccepted };
    const cut = await cutSmart(runner, smart, watch);
    return cut && { ...cut, method: 'smart', from: selection.begin, end: selection.end };
  };

  /** Adds the sound, writes the file and checks it; false when it did not turn out as it should. */
  const finish = async (
    { outputPath, facts }: TrimRequest,
    { source, cut }: { source: OpenSource; cut: Cut },
    passOf: ReturnType<typeof createPasses>,
  ): Promise<boolean> => {
    const { video, movie } = source;
    const [fromSec, toSec] = [cut.from, cut.end].map((tick) => secondsAt(video, 0, tick)) as [number, number];
    const files = [...new Set([...cut.movie.files, movie.path])];
    const file = files.indexOf(movie.path);
    const sounds = cutAllSound(movie, { file, facts, fromSec, toSec });
    const output = { files, tracks: [...cut.movie.tracks, ...sounds] };
    const writing = passOf(2);
    const partPath = `${outputPath}.part`;
    const isWhole = await writeMovie(partPath, output, {
      signal: writing.signal,
      onShare: (share) => writing.onProgress(share * 100),
    });
    if (!isWhole) return false;
    const expected = expectationOf(output, cut.times, cut.seams);
    if (!(await checkResult(partPath, expected, passOf(3)))) return false;
    await rename(partPath, outputPath).catch(rethrowDiskError);
    return true;
  };

  /**
   * Trims as `trimByCopying`.
   *
   * @param isAccepted whether to do what must be encoded, by its seconds of work
   */
  return async function trimCopying(
    request: TrimRequest,
    isAccepted: (workSec: number) => boolean,
    watch: Watch,
  ): Promise<EditOutcome | null> {
    const { inputPath, outputPath, facts, mode } = request;
    watch.signal.throwIfAborted();
    if (mode === 'exact' && !isSmartKind(facts)) return null;
    const remuxPath = `${outputPath}.source.mp4`;
    const passOf = createPasses(watch, SHARES);
    try {
      const source = await openSource({ runner }, { inputPath, facts, remuxPath }, passOf(0));
      const cut = source ? await cutVideo({ ...request, isAccepted }, source, passOf(1)) : null;
      if (!source || !cut || !(await finish(request, { source, cut }, passOf))) return null;
      const seconds = (tick: number) => microseconds(secondsAt(source.video, source.movie.originSec, tick));
      return { method: cut.method, usedStartSec: seconds(cut.from), usedEndSec: seconds(cut.end) };
    } finally {
      const scratch = ['.source.mp4', '.head.mp4', '.tail.mp4', '.part'].map((end) => outputPath + end);
      await Promise.all(scratch.map((path) => rm(path, { force: true })));
    }
  };
}
