import type { Watch } from './runner.ts';

/**
 * Gives progress over several passes as one number that never falls: each pass gets a watch of its own.
 *
 * @param shares how long each pass takes, in any unit
 */
export function createPasses(watch: Watch, shares: readonly number[]) {
  const total = shares.reduce((sum, share) => sum + share, 0);
  let highest = -1;
  return (pass: number): Watch => ({
    ...watch,
    onProgress: (percent) => {
      const before = shares.slice(0, pass).reduce((sum, share) => sum + share, 0);
      const done = Math.floor(((before + ((shares[pass] ?? 0) * percent) / 100) / total) * 100);
      const shown = Math.min(99, done);
      if (!(shown > highest)) return;
      highest = shown;
      watch.onProgress(shown);
    },
  });
}
