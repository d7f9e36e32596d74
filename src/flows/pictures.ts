import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';
import { pictureVariant } from '../domain/picture.ts';
import { doShortWork, type Patience, type ShortWorkEnd } from './shortWork.ts';

export type WantedPicture = contract.RenderPictureInput;

/** Has a picture made, or waits with those who wait for it already. @throws as `doShortWork` */
export function makePicture(
  client: Client,
  input: WantedPicture,
  patience?: Patience,
): Promise<ShortWorkEnd<void>> {
  const { videoId, userId, isUrgent } = input;
  const variant = pictureVariant(input);
  const work = {
    workflow: 'renderPicture',
    workflowId: contract.renderPictureId(videoId, variant),
    input,
    queue: 'media',
    summary: `Picture ${variant} of video ${videoId}`,
    userId,
    videoId,
    priorityKey: isUrgent ? contract.PRIORITY.interactive : contract.PRIORITY.laterStep,
  } as const;
  return doShortWork<void>(client, work, patience);
}
