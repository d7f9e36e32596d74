import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { awaitAnswerHead } from '../answerHead.ts';

/** A server that takes no connection in this time is away, however long its answers may take. */
const CONNECT_MS = 20_000;

/** The answer was cut off by us: it is longer than any honest one. */
export class AnswerTooLongError extends Error {
  override readonly name = 'AnswerTooLongError';
}

/** No connection within the time. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
}

type Exchange = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * Makes a `fetch` for the `openai` package that reads the whole answer before it gives it, so that the signal, and with
 * it the time limit, holds until the last byte. Node's own gives up any answer that has not begun after five minutes,
 * which a transcriber on a slow machine needs; it follows redirects, with all that was sent; and it reads answers of any
 * length.
 *
 * @param maxAnswerBytes what is longer is not read to its end
 * @returns a function that throws what the connection came to, AnswerTooLongError, or the signal's reason
 */
export const createExchange =
  (maxAnswerBytes: number): Exchange =>
  (input, init) =>
    exchange(new Request(input, init), maxAnswerBytes);

async function exchange(request: Request, maxAnswerBytes: number): Promise<Response> {
  const { signal } = request;
  const body = await readBody(request);
  const url = new URL(request.url);
  const outgoing = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: request.method,
    headers: { ...Object.fromEntries(request.headers), 'content-length': body.sizeBytes },
    signal,
    // A connection of its own: one that was kept may be closed by the other side just when it is used again, and
    // nothing is sent twice here.
    agent: false,
  });
  const connecting = setTimeout(() => outgoing.destroy(new ConnectTimeoutError()), CONNECT_MS);
  outgoing.once('socket', (socket) => socket.once('connect', () => clearTimeout(connecting)));
  try {
    const head = awaitAnswerHead(outgoing, signal);
    for (const part of body.parts) outgoing.write(part);
    outgoing.end();
    return await readAnswer(await head, maxAnswerBytes);
  } catch (error) {
    // A connection that we ended ourselves looks like one that the other side cut.
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(connecting);
    outgoing.destroy();
  }
}

/** Reads the body of a request to learn its length, since some servers want it told; in its parts, to hold it once. */
async function readBody(request: Request): Promise<{ parts: Uint8Array[]; sizeBytes: number }> {
  const parts: Uint8Array[] = [];
  for await (const part of request.body ?? []) parts.push(part);
  return { parts, sizeBytes: parts.reduce((sum, { length }) => sum + length, 0) };
}

async function readAnswer(incoming: IncomingMessage, maxAnswerBytes: number): Promise<Response> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > maxAnswerBytes) throw new AnswerTooLongError();
    parts.push(part);
  }
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const hasBody = ![204, 205, 304].includes(status);
  return new Response(hasBody ? Buffer.concat(parts) : null, { status, headers });
}
