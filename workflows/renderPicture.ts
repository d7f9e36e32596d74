import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { PRIORITY, type RenderPictureInput } from './contract.ts';
import { shortMedia } from './policies.ts';

const { makePicture } = proxyActivities<Activities>(shortMedia);

/** Makes one picture of a video while somebody waits for it. The row of the picture is what it leaves. */
export async function renderPicture(input: RenderPictureInput): Promise<void> {
  const priority = {
    priorityKey: input.isUrgent ? PRIORITY.interactive : PRIORITY.laterStep,
    fairnessKey: input.userId,
  };
  await makePicture.executeWithOptions({ ...shortMedia, summary: 'Render the picture', priority }, [input]);
}
