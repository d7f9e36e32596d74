/** Keeps what is dear to make and never changes. */
export interface ByteCache {
  /**
   * Gives the bytes of a key; those who ask for it at once wait for the same.
   *
   * @param make is asked when they are not there; null is not kept
   */
  get(key: string, make: () => Promise<Buffer | null>): Promise<Buffer | null>;
}

/** Makes one that forgets what was not asked for the longest, as soon as it holds more than `maxBytes`. */
export function createByteCache({ maxBytes }: { maxBytes: number }): ByteCache {
  // A map gives its keys in the order in which they were set.
  const kept = new Map<string, Buffer>();
  const making = new Map<string, Promise<Buffer | null>>();
  let keptBytes = 0;

  const keep = (key: string, bytes: Buffer) => {
    if (bytes.length > maxBytes) return;
    kept.set(key, bytes);
    keptBytes += bytes.length;
    for (const [oldest, { length }] of kept) {
      if (keptBytes <= maxBytes) break;
      kept.delete(oldest);
      keptBytes -= length;
    }
  };

  const start = async (key: string, make: () => Promise<Buffer | null>) => {
    try {
      const bytes = await make();
      if (bytes) keep(key, bytes);
      return bytes;
    } finally {
      making.delete(key);
    }
  };

  return {
    get: async (key, make) => {
      const known = kept.get(key);
      if (known) {
        kept.delete(key);
        kept.set(key, known);
        return known;
      }
      const running = making.get(key) ?? start(key, make);
      making.set(key, running);
      return running;
    },
  };
}
