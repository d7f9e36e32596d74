import { join } from 'node:path';
import type { MediaFacts } from '../../src/domain/media.ts';
import type { Media } from '../../src/media/index.ts';
import { quietWatch } from './mediaAdapter.ts';

/** Facts as a careless record might hold them, to take a file past the probe that refused it. */
export const FORGED_FACTS: MediaFacts = {
  container: 'mp4',
  durationSec: 2,
  sizeBytes: 1000,
  width: 320,
  height: 240,
  fps: 25,
  rotation: 0,
  videoCodec: 'h264',
  audioCodec: null,
  hasAudio: false,
  language: null,
  videoStreamIndex: 0,
  streams: [],
  isProgressive: null,
};

/** `ok`, or the code of the error. */
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

export interface StepOutcomes {
  probe: string;
  thumbnail: string;
  storyboard: string;
}

/** Takes one file through every entry, whatever the probe says. */
export async function takeThroughAll(media: Media, inputPath: string, folder: string): Promise<StepOutcomes> {
  const probed = media.probe(inputPath, quietWatch());
  const facts = await probed.catch(() => FORGED_FACTS);
  const thumbnail = { inputPath, outputPath: join(folder, 'thumbnail.jpg'), facts };
  const storyboard = {
    ...{ inputPath, facts, imagePath: join(folder, 'storyboard.jpg') },
    ...{ indexPath: join(folder, 'storyboard.vtt'), imageName: 'storyboard.jpg' },
  };
  return {
    probe: await outcome(probed),
    thumbnail: await outcome(media.renderThumbnail(thumbnail, quietWatch())),
    storyboard: await outcome(media.renderStoryboard(storyboard, quietWatch())),
  };
}
