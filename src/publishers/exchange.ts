import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { parseAnswer, readAnswerBody, systemWord } from '../answerBody.ts';
import { awaitAnswerHead } from '../answerHead.ts';
import { KEY_PATTERN } from '../domain/credentials.ts';
import { readRetryAfter } from '../domain/retryAfter.ts';

export interface ProviderExchange {
  address: URL;
  /** Holds the key: it must reach no error, log or row, and no other address. */
  headers: Record<string, string>;
  /** For the whole, from connecting to the last byte. */
  timeoutMs: number;
  maxAnswerBytes: number;
  signal: AbortSignal;
}

/** What came, if anything whole did; `why` is a word of the system's or ours, never one of what was sent or answered. */
export type ProviderReply =
  | { status: number; body: unknown; retryAfterMs: number | null }
  | { status: null; why: string };

/** Says whether a key can be sent at all. Node's own refusal would name the header, and look like trouble that passes. */
export const isSendable = (key: string): boolean => KEY_PATTERN.test(key);

/**
 * Asks a provider once, with GET. On node:http itself: nothing is followed, so that the key goes to no other address,
 * and its errors hold neither headers nor what came.
 *
 * @throws what `signal` was aborted with
 */
export async function askProvider({
  address,
  headers,
  timeoutMs,
  maxAnswerBytes,
  signal,
}: ProviderExchange): Promise<ProviderReply> {
  signal.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const over = AbortSignal.any([signal, late.signal]);
  const outgoing = (address.protocol === 'https:' ? requestHttps : requestHttp)(address, {
    headers: { accept: 'application/json', 'user-agent': 'videoflow', ...headers },
    // A kept one may be closed by the other side just when it is used again.
    agent: false,
    signal: over,
  });
  try {
    const head = awaitAnswerHead(outgoing, over);
    outgoing.end();
    return await readReply(await head, maxAnswerBytes);
  } catch (error) {
    signal.throwIfAborted();
    return { status: null, why: late.signal.aborted ? 'no_answer_in_time' : systemWord(error) };
  } finally {
    clearTimeout(timer);
    outgoing.destroy();
  }
}

async function readReply(incoming: IncomingMessage, maxAnswerBytes: number): Promise<ProviderReply> {
  const body = await readAnswerBody(incoming, maxAnswerBytes);
  if (body === null) return { status: null, why: 'answer_too_long' };
  const retryAfterMs = readRetryAfter(incoming.headers['retry-after'], Date.now());
  return { status: incoming.statusCode ?? 0, body: parseAnswer(body), retryAfterMs };
}
