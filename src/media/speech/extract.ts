import type { MediaFacts } from '../../domain/media.ts';
import type { ChunkLimits, Speech } from '../../domain/speech.ts';
import { MediaToolError } from '../../errors.ts';
import type { Runner, Watch } from '../runner.ts';

export interface SpeechRequest {
  inputPath: string;
  /** For all chunks, one after the other. */
  outputPath: string;
  facts: MediaFacts;
  limits: ChunkLimits;
}

/** What was extracted, but for what only its asker knows. */
export type ExtractedSpeech = Omit<Speech, 'sourceSha256'>;

/** Makes the extractor of speech. */
export function createSpeechExtractor(_: { runner: Runner }) {
  return async (_request: SpeechRequest, _watch: Watch): Promise<ExtractedSpeech> => {
    throw new MediaToolError('Speech cannot be extracted yet');
  };
}
