import { Context } from '@temporalio/activity';
import type { Config } from '../src/config.ts';
import type { Video } from '../src/db/entities/video.ts';
import type { NewAsset, NewSource } from '../src/db/steps.ts';
import type { QuotaLimits } from '../src/db/uploads.ts';
import type { MediaFacts } from '../src/domain/media.ts';
import type { StepName } from '../src/domain/video.ts';
import { VideoflowError } from '../src/errors.ts';
import type { Watch } from '../src/media/index.ts';
import type { StepInput } from '../workflows/contract.ts';
import { interrupted, isCancelled, overtaken } from './failures.ts';
import type { ActivityDeps } from './index.ts';

/** What the work on a step is given. */
export interface StepWork {
  video: Video;
  watch: Watch;
  /** A folder of this attempt's own; gone when the attempt ends. */
  scratchDir: string;
  /** Names an object that only this attempt writes. */
  assetKey(name: string): string;
  /** The same for the source itself. */
  sourceKey(): string;
}

export interface StepResults {
  facts?: MediaFacts;
  assets?: NewAsset[];
  source?: NewSource;
}

export type StepOutcome = 'done' | 'superseded' | 'cancelled';

/** Often enough that a cancel reaches ffmpeg within a second (the worker throttles to one a second). */
const HEARTBEAT_MS = 500;
const PROGRESS_WRITE_MS = 1000;
/** What moves shows that in the row, although its percentage stays: a file's length may be unknown, or a percent hours. */
const SIGN_OF_LIFE_MS = 60_000;

/**
 * Does one attempt at a step between its two records: begin (which raises the attempt) and end (which
 * promotes what was made). An attempt that is no longer the one at work leaves nothing behind.
 */
export async function runStep(
  deps: ActivityDeps,
  { videoId, run, requestId }: StepInput,
  name: StepName,
  work: (step: StepWork) => Promise<StepResults>,
): Promise<StepOutcome> {
  const log = deps.log.child({ module: 'activities', videoId, run, step: name, request_id: requestId });
  // From the first moment: a database that is slow to answer is not a dead worker.
  const pulse = startPulse();
  try {
    const beginning = await deps.db.steps.beginStep({ videoId, name, run });
    if (beginning.outcome !== 'go') return beginning.outcome;
    const { attempt, video } = beginning;
    pulse.showIn(progressWriter({ ...deps, log }, { videoId, name, attempt }));
    return await attemptStep({ ...deps, log }, { videoId, name, run, attempt }, { video, pulse, work });
  } catch (error) {
    if (!isCancelled(error) && !Context.current().cancellationSignal.aborted) throw error;
    if (Context.current().cancellationDetails?.workerShutdown) throw interrupted();
    throw await Context.current().cancelled.catch((cancellation: Error) => cancellation);
  } finally {
    pulse.stop();
  }
}

interface Attempt {
  videoId: string;
  name: StepName;
  run: number;
  attempt: number;
}

async function attemptStep(
  deps: ActivityDeps,
  attempt: Attempt,
  { video, pulse, work }: { video: Video; pulse: Pulse; work: (step: StepWork) => Promise<StepResults> },
): Promise<StepOutcome> {
  const written: string[] = [];
  const note = (key: string) => {
    written.push(key);
    return key;
  };
  try {
    return await deps.scratch.withDir(async (scratchDir) => {
      const results = await work({
        video,
        scratchDir,
        watch: { signal: Context.current().cancellationSignal, onProgress: pulse.onProgress },
        assetKey: (name) => note(`assets/${video.id}/${attempt.run}-${attempt.attempt}-${name}`),
        sourceKey: () => note(`sources/${video.id}/${attempt.run}-${attempt.attempt}`),
      }).catch(async (error: unknown) => {
        // Before the folder is given back, since that makes room.
        await deps.scratch.assertRoom();
        throw error;
      });
      // From here on only the record knows whether the objects are in use: were its answer lost, removing
      // them could take away promoted ones. What turns out to be nobody's is swept.
      const made = written.splice(0);
      const end = await recordEnd(deps, { attempt, video, results }).catch(async (error: unknown) => {
        // Our own refusals certainly rolled back.
        if (error instanceof VideoflowError) await removeQuietly(deps, made);
        throw error;
      });
      await removeQuietly(deps, end ? end.replacedKeys : made);
      // Whether the step still wants doing, and by whom, is for its next beginning to say.
      if (!end) throw overtaken();
      return 'done' as const;
    });
  } finally {
    await removeQuietly(deps, written);
  }
}

/** Records what was made. A source that was fetched counts from here on, so there must be room for it. */
function recordEnd(
  { db, config }: ActivityDeps,
  { attempt, video, results }: { attempt: Attempt; video: Video; results: StepResults },
): Promise<{ replacedKeys: string[] } | null> {
  const { source } = results;
  if (!source) return db.steps.completeStep(attempt, results);
  return db.transaction(async ({ uploads, steps }) => {
    await uploads.assertRoom(video.user.id, source.sizeBytes, quotaLimits(config));
    return steps.completeStep(attempt, results);
  });
}

/** What one user may have, by the configuration. */
export const quotaLimits = (config: Config): QuotaLimits => ({
  maxOpenUploads: config.MAX_OPEN_UPLOADS,
  quotaBytes: config.QUOTA_BYTES,
});

/** What is left over is swept later; it must not fail the step. */
async function removeQuietly(deps: ActivityDeps, keys: string[]): Promise<void> {
  for (const key of keys) {
    await deps.storage
      .remove(key)
      .catch((error: Error) => deps.log.warn({ err: error, key }, 'an object was left behind'));
  }
}

interface Pulse {
  onProgress(percent: number): void;
  showIn(write: ShowProgress): void;
  stop(): void;
}

/** Takes the percentage as it is now, and when the work moved last. */
type ShowProgress = (percent: number, movedAt: number) => void;

/** Heartbeats with the latest percentage while the work lasts. */
function startPulse(): Pulse {
  const context = Context.current();
  let percent = 0;
  let movedAt = 0;
  let write: ShowProgress = () => undefined;
  context.heartbeat({ percent });
  const timer = setInterval(() => {
    context.heartbeat({ percent });
    write(percent, movedAt);
  }, HEARTBEAT_MS);
  return {
    onProgress: (value) => {
      percent = Math.floor(value);
      movedAt = Date.now();
    },
    showIn: (writer) => {
      write = writer;
    },
    stop: () => clearInterval(timer),
  };
}

/** Shows progress in the row, at most once a second and never twice at the same time. */
function progressWriter(deps: ActivityDeps, attempt: Omit<Attempt, 'run'>): ShowProgress {
  let shown = 0;
  let shownAt = Date.now();
  let isWriting = false;
  return (percent, movedAt) => {
    const silentMs = Date.now() - shownAt;
    const isNews = percent !== shown || (movedAt > shownAt && silentMs >= SIGN_OF_LIFE_MS);
    if (isWriting || !isNews || silentMs < PROGRESS_WRITE_MS) return;
    shown = percent;
    shownAt = Date.now();
    isWriting = true;
    deps.db.steps
      .showProgress(attempt, percent)
      .catch((error: Error) => deps.log.debug({ err: error }, 'progress was not shown'))
      .finally(() => {
        isWriting = false;
      });
  };
}
