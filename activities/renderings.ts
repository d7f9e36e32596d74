import { join } from 'node:path';
import type { Rendering } from '../src/db/editRecords.ts';
import type { Edit } from '../src/db/entities/edit.ts';
import type { Video } from '../src/db/entities/video.ts';
import { newId } from '../src/db/ids.ts';
import { RENDERING_PERCENT, resultFilename } from '../src/domain/edit.ts';
import type { EditOutcome } from '../src/media/editOutcome.ts';
import type { Watch } from '../src/media/index.ts';
import type { EditInput } from '../workflows/contract.ts';
import { type AttemptTools, quotaLimits, runAttempt } from './attempt.ts';
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

/** Makes a file of the parents' files. Null when this way of making it does not do. */
type Make = (job: Job, paths: RenderPaths, watch: Watch) => Promise<EditOutcome | null>;

interface RenderPaths {
  /** One for each parent, in their order. */
  inputPaths: string[];
  outputPath: string;
}

/** Making the file of an edit. */
export function createRenderingActivities(deps: ActivityDeps) {
  const { config, db, media, storage } = deps;
  const limits = () => ({ maxDurationSec: config.MAX_DURATION_SEC });

  const copy: Make = ({ edit, parents }, paths, watch) =>
    edit.kind === 'trim'
      ? media.trimByCopying(trimRequest(edit, parents, paths), watch)
      : media.mergeByCopying(mergeRequest(edit, parents, paths), watch);
  const encode: Make = ({ edit, parents }, paths, watch) =>
    edit.kind === 'trim'
      ? media.trimByEncoding(trimRequest(edit, parents, paths), watch)
      : media.mergeByEncoding(mergeRequest(edit, parents, paths), watch);

  async function work(job: Job, make: Make, tools: AttemptTools): Promise<Rendering | null> {
    const { edit, parents } = job;
    const { scratchDir, watch, note } = tools;
    const inputPaths = await fetchAll(parents, scratchDir);
    const outputPath = join(scratchDir, 'result.mp4');
    const outcome = await make(job, { inputPaths, outputPath }, watch);
    if (!outcome) return null;
    // A name of this attempt's own: that of the video to be, should it become one.
    const videoId = newId();
    const key = note(`sources/${videoId}`);
    const { sizeBytes } = await storage.put(key, outputPath);
    const { method, usedStartSec, usedEndSec } = outcome;
    const first = parents[0];
    return {
      ...{ videoId, sourceKey: key, sizeBytes, method, usedStartSec, usedEndSec },
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

  async function render({ editId, run, requestId }: EditInput, make: Make): Promise<RenderOutcome> {
    const log = deps.log.child({ module: 'activities', editId, run, request_id: requestId });
    const end = await runAttempt<Job, Rendering | null, Exclude<RenderOutcome, 'must_encode'>>(
      { ...deps, log },
      {
        begin: () => db.editRecords.beginAttempt({ editId, run }, limits()),
        showProgress: ({ attempt }, percent) =>
          db.editRecords.showProgress({ editId, attempt }, Math.floor((percent * RENDERING_PERCENT) / 100)),
        work: (job, tools) => work(job, make, tools),
        end: async ({ attempt }, rendering) =>
          rendering === null
            ? { replacedKeys: [] }
            : db.editRecords.completeRender({ editId, attempt }, rendering, quotaLimits(config)),
      },
    );
    return 'made' in end && end.made === null ? 'must_encode' : end.outcome;
  }

  return {
    /** Makes the result without encoding more of it than a few frames, where that can be done. */
    copyEdit: (input: EditInput): Promise<RenderOutcome> => render(input, copy),

    /** Makes the result by encoding it. */
    encodeEdit: (input: EditInput): Promise<RenderOutcome> => render(input, encode),
  };
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
