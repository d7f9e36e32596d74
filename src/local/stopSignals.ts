/** npm, its shell and the terminal each pass on the same Ctrl-C: what follows within a second is that one again. */
const SAME_PRESS_MS = 1_000;

/**
 * Calls `stop` at the first request to end, and `hardStop` at the next one by a person. The channel to
 * `bootstrap.mjs` closing is a request too: whoever started us was killed.
 */
export function onStopRequest(stop: () => void, hardStop: () => void): void {
  let firstAt: number | undefined;
  const request = () => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      stop();
    } else if (Date.now() - firstAt > SAME_PRESS_MS) {
      hardStop();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request);
  process.on('disconnect', () => {
    if (firstAt === undefined) request();
  });
  // The terminal is gone with whoever read it: stopping in order matters more than the lines.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
