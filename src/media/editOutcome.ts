import type { EditMethod } from '../domain/edit.ts';

/** What an edit did, besides the file it left. */
export interface EditOutcome {
  method: EditMethod;
  /** The range of the source the result really shows, in seconds; null where there is no one source. */
  usedStartSec: number | null;
  usedEndSec: number | null;
  /** When each input begins in the result, in seconds; of merges. */
  startsSec?: number[];
}
