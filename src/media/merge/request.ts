import type { MergeFit } from '../../domain/edit.ts';
import type { MediaFacts, MediaStream } from '../../domain/media.ts';

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

/** Gives the stream that is shown; undefined when a record does not fit its file. */
export const pictureOf = ({ streams, videoStreamIndex }: MediaFacts): MediaStream | undefined =>
  streams.find(({ index }) => index === videoStreamIndex);

export const soundsOf = ({ streams }: MediaFacts): MediaStream[] =>
  streams.filter(({ type }) => type === 'audio');
