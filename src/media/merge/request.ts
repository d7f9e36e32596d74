import type { MergeFit } from '../../domain/edit.ts';
import type { MediaFacts } from '../../domain/media.ts';

export interface MergeInput {
  inputPath: string;
  facts: MediaFacts;
}

export interface MergeRequest {
  /** In the order in which they follow each other; the same one may stand twice. */
  inputs: readonly MergeInput[];
  outputPath: string;
  fit: MergeFit;
}
