import { join } from 'node:path';
import type { Rendering } from '../src/db/editRecords.ts';
import type { Edit } from '../src/db/entities/edit.ts';
import type { Video } from '../src/db/entities/video.ts';
import { newId } from '../src/db/ids.ts';
import { COPYING_PERCENT, RENDERING_PERCENT, resultFilename } from '../src/domain/edit.ts';
import { MediaToolError, NotCopyableError, UnusableMediaError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import type { EditOutcome } from '../src/media/editOutcome.ts';
import type { Watch } from '../src/media/index.ts';
import type { EditInput } from '../workflows/contract.ts';
import { type AttemptTools, quotaLimits, runAttempt } from './attempt.ts';
import { isCancelled, recognise } from './failures.ts';
import type { ActivityDeps } from './index.ts';
import { factsOf, sourceKey } from './videoFacts.ts';

/** `must_encode` when the result cannot be had by copying: nothing was made. */
export type RenderOutcome = 'done' | 'must_encode' | 'superseded' | 'cancelled';

/** What an attempt at an edit works on. */
interface Job {
  attempt: number;
  edit: Edit;
  parents: Video[];
}

/** A way of making a file of the parents' files. */
interface Way {
  /** Null when this way does not do. */
  make(job: Job, paths: RenderPaths, tools: AttemptTools & { log: Log }): Promise<EditOutcome | null>;
  /** What of the whole it shows from its beginning to its end. */
  percent: { from: number; to: number };
}

interface RenderPaths {
  /** One for each parent, in their order. */
  inputPaths: string[];
  outputPath: string;
}

/** Making the file of an edit. */
export function createRenderingActivities(deps: ActivityDeps) {
  const { config, db, media, storage } = deps;
  const limits = () => ({ maxDurationSec: config.MAX_DURATION_SEC });

  const tryToCopy = async ({ edit, parents }: Job, paths: RenderPaths, watch: Watch) =>
    edit.kind === 'trim'
      ? media.trimByCopying(trimRequest(edit, parents, paths), watch)
      : media.mergeByCopying(mergeRequest(edit, parents, paths), watch);

  const copy: Way = {
    percent: { from: 0, to: COPYING_PERCENT - 1 },
    async make(job, paths, { watch, log }) {
      if (job.edit.mode === 'keyframe') return (await tryToCopy(job, paths, watch)) ?? refuseToEncode();
      return tryToCopy(job, paths, watch).catch(async (error: unknown) => {
        if (watch.signal.aborted || isCancelled(error) || !isTroubleOfCopying(error)) throw error;
        // What fails for want of room does so however it is made.
        await deps.scratch.assertRoom();
        log.warn({ err: error }, 'copying failed, so it is encoded');
        return null;
      });
    },
  };
  const encode: Way = {
    percent: { from: COPYING_PERCENT, to: RENDERING_PERCENT },
    make: ({ edit, parents }, paths, { watch }) =>
      edit.kind === 'trim'
        ? media.trimByEncoding(trimRequest(edit, parents, paths), watch)
        : media.mergeByEncoding(mergeRequest(edit, parents, paths), watch),
  };

  async function work(job: Job, way: Way, tools: AttemptTools & { log: Log }): Promise<Rendering | null> {
    const { edit, parents } = job;
    const { scratchDir, note } = tools;
    const inputPaths = await fetchAll(parents, scratchDir);
    const outputPath = join(scratchDir, 'result.mp4');
    const outcome = await way.make(job, { inputPaths, outputPath }, tools);
    if (!outcome) return null;
    // A name of this attempt's own: that of the video to be, should it become one.
    const videoId = newId();
    const key = note(`sources/${videoId}`);
    const { sizeBytes } = await storage.put(key, outputPath);
    const { method, usedStartSec, usedEndSec, startsSec = null } = outcome;
    const first = parents[0];
    return {
      ...{ videoId, sourceKey: key, sizeBytes, method, usedStartSec, usedEndSec, startsSec },
      filename: resultFilename(edit.kind, first?.filename ?? null),
      userLabel: first?.userLabel ?? null,
    };
  }

  /** One after the other, each once however often it stands there. */
  async function fetchAll(parents: Video[], scratchDir: string): Promise<string[]> {
    const paths = new Map<string, string>();
    for (const parent of parents)
      if (!paths.has(parent.id)) paths.set(parent.id, await storage.fetch(sourceKey(parent), scratchDir));
    return parents.map((parent) => paths.get(parent.id) ?? '');
  }

  async function render({ editId, run, requestId }: EditInput, way: Way): Promise<RenderOutcome> {
    const log = deps.log.child({ module: 'activities', editId, run, request_id: requestId });
    const end = await runAttempt<Job, Rendering | null, Exclude<RenderOutcome, 'must_encode'>>(
      { ...deps, log },
      {
        begin: () => db.editRecords.beginAttempt({ editId, run }, limits()),
        showProgress: ({ attempt }, percent) =>
          db.editRecords.showProgress({ editId, attempt }, shareOf(way, percent)),
        work: (job, tools) => work(job, way, { ...tools, log }),
        end: ({ attempt }, rendering) =>
          rendering === null
            ? db.editRecords.handBack({ editId, attempt })
            : db.editRecords.completeRender({ editId, attempt }, rendering, quotaLimits(config)),
      },
    );
    return 'made' in end && end.made === null ? 'must_encode' : end.outcome;
  }

  return {
    /**
     * Makes the result without encoding more of it than a few frames, where that can be done.
     *
     * @throws NotCopyableError when it cannot and nothing may be encoded
     */
    copyEdit: (input: EditInput): Promise<RenderOutcome> => render(input, copy),

    /** Makes the result by encoding it. */
    encodeEdit: (input: EditInput): Promise<RenderOutcome> => render(input, encode),
  };
}

const shareOf = ({ percent: { from, to } }: Way, percent: number): number =>
  from + Math.floor((percent * (to - from)) / 100);

function refuseToEncode(): never {
  throw new NotCopyableError('This part cannot be cut out by copying alone; ask for it with mode "exact"');
}

/** Whether encoding may manage what copying did not; trouble of the storage, say, is no matter of the way. */
function isTroubleOfCopying(error: unknown): boolean {
  const known = recognise(error);
  if (known instanceof MediaToolError) return known.code !== 'media_tool_missing';
  return known === null || known instanceof UnusableMediaError;
}

function trimRequest(edit: Edit, parents: Video[], { inputPaths, outputPath }: RenderPaths) {
  const facts = factsOf(parents[0] as Video);
  const startSec = edit.startSec ?? 0;
  // What was asked for may lie a rounding beyond the end.
  const endSec = Math.min(edit.endSec ?? facts.durationSec, facts.durationSec);
  return { inputPath: inputPaths[0] ?? '', outputPath, facts, startSec, endSec, mode: edit.mode ?? 'exact' };
}

function mergeRequest(edit: Edit, parents: Video[], { inputPaths, outputPath }: RenderPaths) {
  const inputs = parents.map((parent, at) => ({ inputPath: inputPaths[at] ?? '', facts: factsOf(parent) }));
  return { inputs, outputPath, fit: edit.fit ?? 'contain' };
}
