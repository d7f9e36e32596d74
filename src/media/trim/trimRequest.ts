import type { TrimMode } from '../../domain/edit.ts';
import type { MediaFacts } from '../../domain/media.ts';

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
