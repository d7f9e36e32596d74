import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { RenderAudioInput } from './contract.ts';
import { longMedia } from './policies.ts';
import { doWaitedFor } from './waitedFor.ts';

const { makeSound } = proxyActivities<Activities>(longMedia);

/** Makes the sound of a video alone while somebody waits for it. The row of the file is what it leaves. */
export async function renderAudio(input: RenderAudioInput): Promise<void> {
  await doWaitedFor({
    ...input,
    usual: longMedia,
    summary: `Make the sound as ${input.format}`,
    perform: (options) => makeSound.executeWithOptions(options, [input]),
  });
}
