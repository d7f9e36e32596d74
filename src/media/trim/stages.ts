import type { Watch } from '../runner.ts';

/** Divides progress among stages that follow each other; it never falls, and stops at 99. */
export function divideProgress(watch: Watch) {
  let highest = 0;
  const tell = (percent: number) => {
    const whole = Math.min(99, Math.floor(percent));
    if (whole <= highest) return;
    highest = whole;
    watch.onProgress(whole);
  };
  return {
    /** The watch of a stage that brings the whole from one percentage to another. */
    stage: (from: number, to: number): Watch => ({
      ...watch,
      onProgress: (percent) => tell(from + ((to - from) * percent) / 100),
    }),
  };
}
