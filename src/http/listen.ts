import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type Koa from 'koa';
import { answerMalformedRequests } from './malformedRequests.ts';

/** A client that trickles its headers only holds a connection. */
const HEADERS_DEADLINE_MS = 20_000;
const KEEP_ALIVE_MS = 65_000;
/** After this the system asks a silent peer whether it is still there. */
const PROBE_AFTER_MS = 60_000;
/** What a request that was cut may take to put away what had arrived of it. */
const LAST_WORDS_SEC = 5;

export interface Listening {
  port: number;
  /**
   * Takes no new requests, lets the running ones finish for at most `graceSec`, then cuts them. Resolves when none
   * of them is at work any more, not even for itself, but does not wait for that longer than `lastWordsSec`.
   *
   * @returns how many had to be cut
   */
  close(graceSec: number, lastWordsSec?: number): Promise<number>;
}

export interface ListenOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** Where the documentation of problems is found. */
  publicUrl: string;
  /** Ends the answers that would go on for ever, at the beginning of the grace. */
  endStreams?: () => Promise<void>;
}

/** Serves an app on a port. */
export async function listen(app: Koa, options: ListenOptions): Promise<Listening> {
  const handle = app.callback();
  const atWork = new Set<Promise<void>>();
  const server = createServer(
    {
      headersTimeout: HEADERS_DEADLINE_MS,
      // An upload may take hours; the routes watch their own bodies.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_AFTER_MS,
    },
    (request, response) => {
      const work: Promise<void> = handle(request, response).finally(() => atWork.delete(work));
      atWork.add(work);
    },
  );
  answerMalformedRequests(server, options.publicUrl);
  let isClosing = false;
  let open = 0;
  server.prependListener('request', (_request, response) => {
    open += 1;
    if (isClosing) response.setHeader('Connection', 'close');
    response.once('close', () => {
      open -= 1;
      if (isClosing) server.closeIdleConnections();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async (graceSec, lastWordsSec = LAST_WORDS_SEC) => {
      isClosing = true;
      const ended = options.endStreams?.();
      let cut = 0;
      const timer = setTimeout(() => {
        cut = open;
        server.closeAllConnections();
      }, graceSec * 1000);
      await closeServer(server);
      clearTimeout(timer);
      await ended;
      const late = delay(lastWordsSec * 1000, undefined, { ref: false });
      await Promise.race([Promise.allSettled(atWork), late]);
      return cut;
    },
  };
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
