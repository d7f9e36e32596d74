/** Gives reproducible noise (mulberry32), so that a failure can be repeated. */
export function seededBytes(seed: number, length: number): Buffer {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return Buffer.from(Array.from({ length }, next));
}
