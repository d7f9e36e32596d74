import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';
import { doShortWork, type Patience, type ShortWorkEnd } from './shortWork.ts';

export type WantedAudio = contract.RenderAudioInput;

/** Has the sound of a video made, or waits with those who wait for it already. @throws as `doShortWork` */
export function makeAudio(
  client: Client,
  input: WantedAudio,
  patience?: Patience,
): Promise<ShortWorkEnd<void>> {
  const { videoId, userId, format, isUrgent } = input;
  const work = {
    workflow: 'renderAudio',
    workflowId: contract.renderAudioId(videoId, format),
    input,
    queue: 'media',
    summary: `Sound of video ${videoId} as ${format}`,
    userId,
    videoId,
    priorityKey: isUrgent ? contract.PRIORITY.interactive : contract.PRIORITY.laterStep,
  } as const;
  return doShortWork<void>(client, work, patience);
}
