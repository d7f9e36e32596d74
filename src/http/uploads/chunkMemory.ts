/**
 * Gives the memory of received bytes back as soon as they are written. Left to the garbage collector, which
 * counts buffers against the whole heap, 1 GiB costs some 50 full collections: 1.4 s of CPU instead of 0.3 s,
 * and a peak of 219 MB instead of 146 MB (measured).
 */
export interface ChunkMemory {
  /** Notes a chunk as it arrives; nobody else may keep it. */
  lend(chunk: Buffer): void;
  /** Told of every piece of the chunks, in their order, once it is written. */
  settle(piece: Buffer): void;
}

/** 64 MiB as sockets are read. A sender of crumbs, or of what is never written, may not make the list long. */
const MOST_LENT = 1024;

export function createChunkMemory(): ChunkMemory {
  /** In the order of arrival. */
  let lent: ArrayBuffer[] = [];
  return {
    lend: ({ buffer, byteLength }) => {
      // A part of a larger block may share it with others.
      if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) lent.push(buffer);
      // What is forgotten here is left to the garbage collector.
      if (lent.length > MOST_LENT) lent = lent.slice(MOST_LENT / 2);
    },
    settle: ({ buffer }) => {
      // Only those before it are done for certain: more pieces of this one may follow.
      const current = lent.indexOf(buffer as ArrayBuffer);
      if (current <= 0) return;
      for (const done of lent.slice(0, current)) done.transfer(0);
      lent = lent.slice(current);
    },
  };
}
