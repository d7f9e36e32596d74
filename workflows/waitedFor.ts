import {
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  isCancellation,
} from '@temporalio/workflow';
import { PRIORITY } from './contract.ts';
import { hurriedMedia } from './policies.ts';

export interface WaitedForWork {
  userId: string;
  /** Whether it comes before the processing of videos, since somebody waits for it. */
  isUrgent: boolean;
  /** How it is done where it is not, or was not quick. */
  usual: ActivityOptions;
  /** What operators read. */
  summary: string;
  perform(options: ActivityOptions): Promise<unknown>;
}

/** Does work while somebody waits for it. What takes long, or meets trouble, loses its place before the videos of others. */
export async function doWaitedFor({
  userId,
  isUrgent,
  usual,
  summary,
  perform,
}: WaitedForWork): Promise<void> {
  const work = async (policy: ActivityOptions, priorityKey: number) => {
    await perform({ ...policy, summary, priority: { priorityKey, fairnessKey: userId } });
  };
  if (!isUrgent) return work(usual, PRIORITY.laterStep);
  try {
    await work(hurriedMedia, PRIORITY.interactive);
  } catch (error) {
    if (isCancellation(error) || isPermanent(error)) throw error;
    await work(usual, PRIORITY.laterStep);
  }
}

const isPermanent = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof ApplicationFailure &&
  error.cause.nonRetryable === true;
