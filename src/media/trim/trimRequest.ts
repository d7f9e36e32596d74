import type { TrimMode } from '../../domain/edit.ts';
import type { MediaFacts, MediaStream } from '../../domain/media.ts';

export interface TrimRequest {
  inputPath: string;
  /** Its folder is the attempt's own: what is made on the way stands there too, and is removed. */
  outputPath: string;
  facts: MediaFacts;
  /** Seconds on the line of `facts.durationSec`: counted from where a player begins. */
  startSec: number;
  endSec: number;
  mode: TrimMode;
}

/** Gives the stream a player shows. */
export const videoStreamOf = ({ streams, videoStreamIndex }: MediaFacts): MediaStream | undefined =>
  streams.find(({ index }) => index === videoStreamIndex);

/** Gives the sound tracks that can be decoded, in their order. */
export const soundStreamsOf = ({ streams }: MediaFacts): MediaStream[] =>
  streams.filter(({ type, codec }) => type === 'audio' && codec !== 'unknown' && codec !== 'none');
