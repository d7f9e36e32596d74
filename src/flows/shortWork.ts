import { setTimeout as delay } from 'node:timers/promises';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import * as contract from '../../workflows/contract.ts';
import type { Queue } from '../domain/queues.ts';
import { EngineUnavailableError, NoWorkerError } from '../errors.ts';
import { countPollers } from './pollers.ts';

/** Work of seconds that a request waits for: one workflow, most often around a single activity. */
export interface ShortWork {
  workflow: keyof typeof contract.WORKFLOWS;
  /** The same for all who want the same: whoever asks while it is open joins in. Once closed it may be done again. */
  workflowId: string;
  input: object;
  /** Where the work itself is done; its workers must be there, and those of the workflows. */
  queue: Queue;
  /** What operators read in the Web UI. */
  summary: string;
  userId: string;
  videoId?: string;
  priorityKey: number;
}

/** How short work stands at the end of the patience; a failure carries our code and words. */
export type ShortWorkEnd<Result> =
  | { state: 'done'; result: Result }
  | { state: 'running' }
  | { state: 'failed'; code: string; message: string };

export interface Patience {
  waitMs?: number;
  /** Ends the waiting, never the work. */
  signal?: AbortSignal | undefined;
}

/** Below the half minute after which many proxies and clients give a request up. */
const WAIT_MS = 25_000;
const START_DEADLINE_MS = 2000;

/**
 * Begins short work, or joins it, and waits for its end. Nothing is begun that no worker would do: it would be done
 * when nobody wants it any more.
 *
 * @throws EngineUnavailableError, also when it may have begun; NoWorkerError
 */
export async function doShortWork<Result>(
  client: Client,
  work: ShortWork,
  { waitMs = WAIT_MS, signal }: Patience = {},
): Promise<ShortWorkEnd<Result>> {
  const deadline = Date.now() + waitMs;
  await beginShortWork(client, work);
  return awaitShortWork(client, work.workflowId, { waitMs: deadline - Date.now(), signal });
}

/**
 * The engine was told to begin and did not say whether it does: its answer may be lost, or late. Who only looks at what
 * is made asks again; who keeps a row of what is wanted has to leave it to whoever compares rows with runs.
 */
export class PerhapsBegunError extends EngineUnavailableError {}

/**
 * Begins short work, or joins it.
 *
 * @throws NoWorkerError or EngineUnavailableError: nothing is begun; PerhapsBegunError
 */
export async function beginShortWork(client: Client, work: ShortWork): Promise<void> {
  let isTold = false;
  await inTime(client, async (over) => {
    const pollers = await Promise.all([countPollers(client, 'workflows'), countPollers(client, work.queue)]);
    if (Math.min(...pollers) === 0)
      throw new NoWorkerError('No worker is there that could do this right now');
    // Whoever was told that nothing is begun must be right.
    if (over.aborted) return;
    isTold = true;
    await start(client, work);
  }).catch((error: unknown) => {
    throw isTold ? new PerhapsBegunError(ENGINE_AWAY, { cause: error }) : error;
  });
}

/** Waits for the end of short work that is begun. @throws EngineUnavailableError */
export async function awaitShortWork<Result>(
  client: Client,
  workflowId: string,
  { waitMs = WAIT_MS, signal }: Patience = {},
): Promise<ShortWorkEnd<Result>> {
  const deadline = Date.now() + waitMs;
  try {
    const wait = () => client.workflow.getHandle(workflowId).result() as Promise<Result>;
    const result = await client.withDeadline(deadline, () =>
      signal ? client.withAbortSignal(signal, wait) : wait(),
    );
    return { state: 'done', result };
  } catch (error) {
    if (error instanceof WorkflowFailedError) return { state: 'failed', ...readFailure(error.cause) };
    if (signal?.aborted || Date.now() >= deadline) return { state: 'running' };
    throw engineAway(error);
  }
}

function start(client: Client, { workflow, workflowId, input, ...work }: ShortWork) {
  const { user, video } = contract.SEARCH_ATTRIBUTES;
  return client.workflow.start(contract.WORKFLOWS[workflow], {
    workflowId,
    taskQueue: 'workflows',
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: work.summary,
    typedSearchAttributes: [
      { key: user, value: work.userId },
      ...(work.videoId === undefined ? [] : [{ key: video, value: work.videoId }]),
    ],
    priority: { priorityKey: work.priorityKey, fairnessKey: work.userId },
  });
}

/** A lazy connection may take longer than a call's deadline to say that nobody is there, hence the race. */
async function inTime(client: Client, command: (over: AbortSignal) => Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = delay(START_DEADLINE_MS, undefined, { signal: over.signal }).then(() => {
    throw engineAway();
  });
  try {
    await Promise.race([
      client.withDeadline(Date.now() + START_DEADLINE_MS, () => command(over.signal)),
      late,
    ]);
  } catch (error) {
    throw error instanceof NoWorkerError ? error : engineAway(error);
  } finally {
    late.catch(() => undefined);
    over.abort();
  }
}

const ENGINE_AWAY = 'The workflow engine does not answer right now';
const engineAway = (cause?: unknown) => new EngineUnavailableError(ENGINE_AWAY, { cause });

/** What a closed run says of why it failed: see activities/failures.ts. */
function readFailure(cause: unknown): { code: string; message: string } {
  const reason = cause instanceof ActivityFailure ? cause.cause : cause;
  if (reason instanceof ApplicationFailure && reason.type)
    return { code: reason.type, message: reason.message };
  if (reason instanceof TimeoutFailure) return { code: 'worker_lost', message: 'No worker did this in time' };
  if (reason instanceof TerminatedFailure || reason instanceof CancelledFailure)
    return { code: 'ended_by_operator', message: 'The work was ended by an operator' };
  return { code: 'internal_error', message: 'Something unexpected went wrong; the log has the details' };
}
