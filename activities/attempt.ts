import { Context } from '@temporalio/activity';
import type { Config } from '../src/config.ts';
import type { QuotaLimits } from '../src/db/uploads.ts';
import { VideoflowError } from '../src/errors.ts';
import type { Watch } from '../src/media/index.ts';
import { interrupted, isCancelled, overtaken } from './failures.ts';
import type { ActivityDeps } from './index.ts';

/** What the work of one attempt is given. */
export interface AttemptTools {
  watch: Watch;
  /** A folder of this attempt's own; gone when the attempt ends. */
  scratchDir: string;
  /** Says that an object under this key, which only this attempt writes, will be there; gives the key back. */
  note(key: string): string;
  /** Says that something was done for good that the next attempt need not do again: what kills this one is not its work. */
  noteProgress(): void;
}

/** One attempt at long work, between its two records. */
export interface AttemptFrame<Begun, Made, Refused extends string> {
  /** Raises the attempt, or says why there is nothing to be done. */
  begin(): Promise<({ outcome: 'go' } & Begun) | { outcome: Refused }>;
  showProgress(begun: Begun, percent: number): Promise<void>;
  work(begun: Begun, tools: AttemptTools): Promise<Made>;
  /**
   * Promotes what was made.
   *
   * @returns the keys of objects that it replaces; null when the attempt is no longer the one at work
   */
  end(begun: Begun, made: Made): Promise<{ replacedKeys: string[] } | null>;
}

/** Often enough that a cancel reaches ffmpeg within a second (the worker throttles to one a second). */
const HEARTBEAT_MS = 500;
const PROGRESS_WRITE_MS = 1000;
/** What moves shows that in the row, although its percentage stays: a file's length may be unknown, or a percent hours. */
const SIGN_OF_LIFE_MS = 60_000;

/**
 * Does one attempt between its two records: begin (which raises the attempt) and end (which promotes what was made).
 * An attempt that is no longer the one at work leaves nothing behind.
 *
 * @throws what the work throws; the cancellation; `interrupted` when this worker stops or another attempt took over
 */
export async function runAttempt<Begun extends object, Made, Refused extends string>(
  deps: ActivityDeps,
  frame: AttemptFrame<Begun, Made, Refused>,
): Promise<{ outcome: 'done'; made: Made } | { outcome: Refused }> {
  // From the first moment: a database that is slow to answer is not a dead worker.
  const pulse = startPulse();
  try {
    const begun = await frame.begin();
    if (!isGo(begun)) return begun;
    pulse.showIn(progressWriter(deps, (percent) => frame.showProgress(begun, percent)));
    return { outcome: 'done', made: await workAndEnd(deps, frame, { begun, pulse }) };
  } catch (error) {
    if (!isCancelled(error) && !Context.current().cancellationSignal.aborted) throw error;
    if (Context.current().cancellationDetails?.workerShutdown) throw interrupted();
    throw await Context.current().cancelled.catch((cancellation: Error) => cancellation);
  } finally {
    pulse.stop();
  }
}

const isGo = <Begun, Refused extends string>(
  begun: ({ outcome: 'go' } & Begun) | { outcome: Refused },
): begun is { outcome: 'go' } & Begun => begun.outcome === 'go';

async function workAndEnd<Begun, Made, Refused extends string>(
  deps: ActivityDeps,
  frame: AttemptFrame<Begun, Made, Refused>,
  { begun, pulse }: { begun: Begun; pulse: Pulse },
): Promise<Made> {
  const written: string[] = [];
  const note = (key: string) => {
    written.push(key);
    return key;
  };
  try {
    return await deps.scratch.withDir(async (scratchDir) => {
      const watch = { signal: Context.current().cancellationSignal, onProgress: pulse.onProgress };
      const { noteProgress } = pulse;
      const made = await frame
        .work(begun, { scratchDir, watch, note, noteProgress })
        .catch(async (error: unknown) => {
          // Before the folder is given back, since that makes room.
          await deps.scratch.assertRoom();
          throw error;
        });
      // From here on only the record knows whether the objects are in use: were its answer lost, removing
      // them could take away promoted ones. What turns out to be nobody's is swept.
      const keys = written.splice(0);
      const end = await frame.end(begun, made).catch(async (error: unknown) => {
        // Our own refusals certainly rolled back.
        if (error instanceof VideoflowError) await removeQuietly(deps, keys);
        throw error;
      });
      await removeQuietly(deps, end ? end.replacedKeys : keys);
      // Whether the work still wants doing, and by whom, is for its next beginning to say.
      if (!end) throw overtaken();
      return made;
    });
  } finally {
    await removeQuietly(deps, written);
  }
}

/** What one user may have, by the configuration. */
export const quotaLimits = (config: Config): QuotaLimits => ({
  maxOpenUploads: config.MAX_OPEN_UPLOADS,
  quotaBytes: config.QUOTA_BYTES,
});

/** What is left over is swept later; it must not fail the work. */
async function removeQuietly(deps: ActivityDeps, keys: string[]): Promise<void> {
  for (const key of keys) {
    await deps.storage
      .remove(key)
      .catch((error: Error) => deps.log.warn({ err: error, key }, 'an object was left behind'));
  }
}

interface Pulse {
  onProgress(percent: number): void;
  noteProgress(): void;
  showIn(write: ShowProgress): void;
  stop(): void;
}

/** Takes the percentage as it is now, and when the work moved last. */
type ShowProgress = (percent: number, movedAt: number) => void;

/** Heartbeats with the latest percentage while the work lasts. */
function startPulse(): Pulse {
  const context = Context.current();
  let percent = 0;
  let madeProgress = false;
  let movedAt = 0;
  let write: ShowProgress = () => undefined;
  // What the engine heard last is what the workflow is told of an attempt that falls silent.
  const beat = () => context.heartbeat({ percent, ...(madeProgress && { madeProgress }) });
  beat();
  const timer = setInterval(() => {
    beat();
    write(percent, movedAt);
  }, HEARTBEAT_MS);
  return {
    onProgress: (value) => {
      percent = Math.floor(value);
      movedAt = Date.now();
    },
    noteProgress: () => {
      madeProgress = true;
    },
    showIn: (writer) => {
      write = writer;
    },
    stop: () => clearInterval(timer),
  };
}

/** Shows progress in the row, at most once a second and never twice at the same time. */
function progressWriter(deps: ActivityDeps, show: (percent: number) => Promise<void>): ShowProgress {
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
    show(percent)
      .catch((error: Error) => deps.log.debug({ err: error }, 'progress was not shown'))
      .finally(() => {
        isWriting = false;
      });
  };
}
