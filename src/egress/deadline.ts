/**
 * Calls when a time is over, and not before what has come by then was read: who was frozen finds his timers run out
 * first, and only then what came meanwhile.
 *
 * @returns what calls it off
 */
export function setDeadline(afterMs: number, end: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    turn = setImmediate(end);
  }, afterMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}
