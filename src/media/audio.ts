import type { AudioFormat } from '../domain/audio.ts';
import type { MediaFacts } from '../domain/media.ts';
import { MediaToolError } from '../errors.ts';
import type { Runner, Watch } from './runner.ts';

export interface AudioRequest {
  inputPath: string;
  outputPath: string;
  facts: MediaFacts;
  format: AudioFormat;
}

/** Makes the renderer of the sound alone. */
export function createAudioRenderer(_: { runner: Runner }) {
  return async (_request: AudioRequest, _watch: Watch): Promise<void> => {
    throw new MediaToolError('The sound cannot be had alone yet');
  };
}
