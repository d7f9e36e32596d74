import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { awaitAnswerHead } from './answerHead.ts';

export interface Question {
  /** May hold a secret, as the headers may: it must reach no error, log or row, and no other address. */
  address: URL;
  headers: Record<string, string>;
  /** Is sent with POST; without one it is GET. */
  body?: Buffer;
  /** For the whole, from connecting to the last byte. */
  timeoutMs: number;
  maxAnswerBytes: number;
  signal: AbortSignal;
}

/**
 * What came, if anything whole did; the body is undefined where it is no JSON. `why` is a word of the system's or ours, never
 * one of what was sent or answered.
 */
export type Reply =
  | { status: number; headers: IncomingHttpHeaders; body: unknown }
  | { status: null; why: string };

/**
 * Asks a service with an API of JSON once. On node:http itself: its errors hold neither the address nor what was sent, as
 * those of `fetch` and of many clients do, and nothing is followed.
 *
 * @throws what `signal` was aborted with
 */
export async function askOnce(question: Question): Promise<Reply> {
  const { maxAnswerBytes, timeoutMs, signal } = question;
  signal.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const over = AbortSignal.any([signal, late.signal]);
  try {
    return await exchange(question, maxAnswerBytes, over);
  } catch (error) {
    signal.throwIfAborted();
    return { status: null, why: late.signal.aborted ? 'no_answer_in_time' : systemWord(error) };
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(
  { address, headers, body }: Question,
  maxAnswerBytes: number,
  signal: AbortSignal,
): Promise<Reply> {
  const outgoing = (address.protocol === 'https:' ? requestHttps : requestHttp)(address, {
    method: body ? 'POST' : 'GET',
    headers: { 'user-agent': 'videoflow', ...(body && { 'content-length': body.length }), ...headers },
    // One of its own: a kept one may be closed by the other side just when it is used again, and then nobody knows
    // whether the question came through.
    agent: false,
    signal,
  });
  try {
    const head = awaitAnswerHead(outgoing, signal);
    outgoing.end(body);
    const incoming = await head;
    const answer = await readBody(incoming, maxAnswerBytes);
    if (answer === null) return { status: null, why: 'answer_too_long' };
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: parse(answer) };
  } finally {
    outgoing.destroy();
  }
}

/** @returns null when it is longer than it may be; what is beyond is not read */
async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The parser's own words would show the text. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The system's word for what a connection came to (`ECONNRESET`), and nothing else of it: errors may hold addresses. */
const systemWord = (error: unknown): string => {
  const code = String((error as NodeJS.ErrnoException | null)?.code ?? '');
  return /^[A-Z][A-Z_0-9]{1,40}$/.test(code) ? code : 'broken';
};
