import { filterKey, isTheEnd, isWanted, type NumberedFrame, type StreamFilter } from './frames.ts';

/** Some events that follow each other, on their way to all streams of a user. */
export interface Chunk {
  /** The number before the first. */
  from: number;
  /** That of the last. */
  to: number;
  frames: readonly NumberedFrame[];
  /** What streams with the same filter get, made once. */
  shared: Map<string, Share>;
}

/** What a stream gets of a chunk. */
export interface Share {
  /** Null for nothing. */
  bytes: Buffer | null;
  /** The number of the last event in it. */
  lastSequence: number;
  /** There is nothing to tell after it. */
  isEnd: boolean;
}

/** Puts events together, so that many small ones are one write; a chunk ends with the event that makes it so long. */
export function toChunks(frames: readonly NumberedFrame[], from: number, longestBytes: number): Chunk[] {
  const chunks: Chunk[] = [];
  let sizeBytes = Number.POSITIVE_INFINITY;
  let open: NumberedFrame[] = [];
  for (const frame of frames) {
    if (sizeBytes >= longestBytes) {
      sizeBytes = 0;
      open = [];
      chunks.push({ from: chunks.at(-1)?.to ?? from, to: frame.sequence, frames: open, shared: new Map() });
    }
    open.push(frame);
    sizeBytes += frame.bytes.length;
    (chunks.at(-1) as Chunk).to = frame.sequence;
  }
  return chunks;
}

/** Gives what a stream that is at a number has still to be told of a chunk. */
export function shareOf(chunk: Chunk, filter: StreamFilter, position: number): Share {
  if (position !== chunk.from) return makeShare(chunk, filter, position);
  const key = filterKey(filter);
  const known = chunk.shared.get(key);
  if (known) return known;
  const made = makeShare(chunk, filter, position);
  chunk.shared.set(key, made);
  return made;
}

function makeShare({ frames }: Chunk, filter: StreamFilter, position: number): Share {
  const rest = frames.filter(({ sequence }) => sequence > position);
  const endAt = rest.findIndex((frame) => isTheEnd(frame, filter));
  const wanted = (endAt < 0 ? rest : rest.slice(0, endAt + 1)).filter((frame) => isWanted(frame, filter));
  return {
    bytes: wanted.length === 0 ? null : Buffer.concat(wanted.map(({ bytes }) => bytes)),
    lastSequence: wanted.at(-1)?.sequence ?? position,
    isEnd: endAt >= 0,
  };
}
