import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { RenderPictureInput } from './contract.ts';
import { shortMedia } from './policies.ts';
import { doWaitedFor } from './waitedFor.ts';

const { makePicture } = proxyActivities<Activities>(shortMedia);

/** Makes one picture of a video while somebody waits for it. The row of the picture is what it leaves. */
export async function renderPicture(input: RenderPictureInput): Promise<void> {
  await doWaitedFor({
    ...input,
    usual: shortMedia,
    summary: 'Render the picture',
    perform: (options) => makePicture.executeWithOptions(options, [input]),
  });
}
