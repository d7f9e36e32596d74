import {
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { PRIORITY, type RenderPictureInput } from './contract.ts';
import { hurriedMedia, shortMedia } from './policies.ts';

const { makePicture } = proxyActivities<Activities>(shortMedia);

/**
 * Makes one picture of a video while somebody waits for it. The row of the picture is what it leaves. One that takes
 * long, or meets trouble, loses its place before the videos of others.
 */
export async function renderPicture(input: RenderPictureInput): Promise<void> {
  const make = (policy: ActivityOptions, priorityKey: number) => {
    const priority = { priorityKey, fairnessKey: input.userId };
    return makePicture.executeWithOptions({ ...policy, summary: 'Render the picture', priority }, [input]);
  };
  if (!input.isUrgent) return void (await make(shortMedia, PRIORITY.laterStep));
  try {
    await make(hurriedMedia, PRIORITY.interactive);
  } catch (error) {
    if (isCancellation(error) || isPermanent(error)) throw error;
    await make(shortMedia, PRIORITY.laterStep);
  }
}

const isPermanent = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof ApplicationFailure &&
  error.cause.nonRetryable === true;
