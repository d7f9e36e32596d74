import { Context } from '@temporalio/activity';
import { interrupted } from './failures.ts';

const HEARTBEAT_MS = 2000;

/**
 * Shows that the worker lives while it works, also while nothing moves; a repetition finds what was told last
 * in `info.heartbeatDetails`, and so does the one after it if this one tells nothing.
 */
export async function withPulse<Result, Told = undefined>(
  work: (tell: (told: Told) => void) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  let told: Told | undefined = context.info.heartbeatDetails;
  const timer = setInterval(() => context.heartbeat(told), HEARTBEAT_MS);
  try {
    return await work((latest) => {
      told = latest;
    });
  } finally {
    clearInterval(timer);
  }
}

/**
 * Ends long work between two of its pieces when nobody wants it any more.
 *
 * @throws the cancellation; `interrupted` when it is this worker that stops, so that another goes on
 */
export function endIfCancelled(): void {
  const { cancellationDetails, cancellationSignal } = Context.current();
  if (cancellationSignal.aborted && cancellationDetails?.workerShutdown) throw interrupted();
  cancellationSignal.throwIfAborted();
}

/** Reads pages until one is empty; heartbeats between them. */
export async function* pages<Row>(
  read: (afterId: string | null) => Promise<Row[]>,
  idOf: (row: Row) => string,
): AsyncIterable<Row[]> {
  let after: string | null = null;
  for (;;) {
    const rows: Row[] = await read(after);
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    Context.current().heartbeat();
    after = idOf(last);
  }
}
