import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** Where the trigger `number_event` tells whose events there are new ones of. */
export const EVENTS_CHANNEL = 'videoflow_events';
/** What the connection is called in `pg_stat_activity`. */
export const LISTENER_NAME = 'videoflow listener';

/** So often a connection on which nothing comes is asked whether there is still somebody. */
const ASK_EVERY_MS = 5000;
/** A server that has not answered by then counts as gone, also one that has vanished without a word. */
const ANSWER_WITHIN_MS = 5000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * Hears the id of a user who has new events; null when the connection had been lost and is there again: anything may have
 * happened. Must not throw.
 */
export type HearEvents = (userId: string | null) => void;

export interface Listener {
  close(): Promise<void>;
}

export interface ListenerOptions {
  databaseUrl: string;
  hear: HearEvents;
  askEveryMs?: number;
  answerWithinMs?: number;
}

/**
 * Listens on a connection of its own, never one of a pool: it is held for ever, and a pooler between us and the database would
 * drop what it is told. Resolves when it listens, or has found out that it cannot yet; from then on it connects again by itself
 * whenever it has to, ever more calmly. Nothing told in between is told again: who needs everything reads on by the number.
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const closing = new AbortController();
  const first = await connect(options, closing.signal).catch(() => null);
  const work = keepListening(first, options, closing.signal);
  return {
    close: async () => {
      closing.abort();
      await work;
    },
  };
}

async function keepListening(
  first: Connection | null,
  options: ListenerOptions,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  let connection = first;
  while (!signal.aborted) {
    if (connection) {
      if (connection !== first) options.hear(null);
      pauseMs = FIRST_PAUSE_MS;
      await untilLost(connection, options, signal);
    }
    // Spread, so that the processes do not all come back to a restarted database in the same moment.
    await delay(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    connection = signal.aborted ? null : await connect(options, signal).catch(() => null);
  }
}

interface Connection {
  ask(): Promise<unknown>;
  /** Aborted when the connection is gone. */
  lost: AbortSignal;
  drop(): void;
}

async function connect(
  { databaseUrl, hear, answerWithinMs = ANSWER_WITHIN_MS }: ListenerOptions,
  closing: AbortSignal,
): Promise<Connection> {
  const gone = new AbortController();
  // Our own, so that it can be thrown away: a client says goodbye first, and waits for an answer.
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: LISTENER_NAME,
    stream: () => socket,
    keepAlive: true,
    connectionTimeoutMillis: answerWithinMs,
    query_timeout: answerWithinMs,
  });
  const drop = () => {
    gone.abort();
    socket.destroy();
  };
  closing.addEventListener('abort', drop, { once: true, signal: gone.signal });
  // Unheard, an error would end the process.
  client.on('error', drop);
  client.on('end', drop);
  client.on('notification', ({ payload }) => {
    if (payload && !gone.signal.aborted) hear(payload);
  });
  try {
    await client.connect();
    await client.query(`listen ${EVENTS_CHANNEL}`);
  } catch (error) {
    drop();
    throw error;
  }
  return { ask: () => client.query('select 1'), lost: gone.signal, drop };
}

/** Waits until the connection breaks, does not answer any more, or is not wanted any longer; then lets go of it. */
async function untilLost(
  { ask, lost, drop }: Connection,
  { askEveryMs = ASK_EVERY_MS }: ListenerOptions,
  closing: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([lost, closing]);
  try {
    for (;;) {
      await delay(askEveryMs, undefined, { signal });
      await ask();
    }
  } catch {
    drop();
  }
}
