import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';
import { describeRun, type RunState } from './runs.ts';
import { awaitShortWork, beginShortWork, type Patience, PerhapsBegunError } from './shortWork.ts';

export type WantedCaption = contract.WriteCaptionInput & {
  /** Whose transcript it is written from, for those who look for its runs. */
  videoId: string | null;
};

/**
 * Has a caption written and waits for the end of that; its row says what became of it. From the moment that the engine
 * may know of it nothing takes it back: it is being written, or else its row is ended by who compares rows with runs.
 *
 * @throws NoWorkerError or EngineUnavailableError: the engine was not told
 */
export async function writeCaption(
  client: Client,
  { videoId, ...input }: WantedCaption,
  patience?: Patience,
): Promise<void> {
  const { captionId, userId } = input;
  const workflowId = contract.writeCaptionId(captionId);
  await beginShortWork(client, {
    ...{ workflow: 'writeCaption', workflowId, input, queue: 'net' },
    summary: `Write caption ${captionId}`,
    userId,
    ...(videoId === null ? {} : { videoId }),
    priorityKey: contract.PRIORITY.interactive,
  }).catch((error: unknown) => {
    if (!(error instanceof PerhapsBegunError)) throw error;
  });
  await awaitShortWork(client, workflowId, patience).catch(() => undefined);
}

export const describeCaptionRun = (client: Client, captionId: string): Promise<RunState> =>
  describeRun(client, contract.writeCaptionId(captionId));
