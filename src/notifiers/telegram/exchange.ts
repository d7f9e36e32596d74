import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { parseAnswer, readAnswerBody, systemWord } from '../../answerBody.ts';
import { awaitAnswerHead } from '../../answerHead.ts';

export interface BotExchange {
  /** Holds the token: it must reach no error, log or row, and no other address. */
  address: URL;
  body: object;
  /** For the whole, from connecting to the last byte. */
  timeoutMs: number;
  maxAnswerBytes: number;
  signal: AbortSignal;
}

/** What came, if anything whole did; `why` is a word of the system's or ours, never one of what was sent. */
export type BotReply = { status: number; body: unknown } | { status: null; why: string };

/**
 * Asks the Bot API once. On node:http itself, whose errors hold no address; that of `fetch`, and what clients of the Bot
 * API throw, show the whole one, and the token with it. Nothing is followed.
 *
 * @throws what `signal` was aborted with
 */
export async function askBotApi({
  address,
  body,
  timeoutMs,
  maxAnswerBytes,
  signal,
}: BotExchange): Promise<BotReply> {
  signal.throwIfAborted();
  const bytes = Buffer.from(JSON.stringify(body), 'utf8');
  const outgoing = (address.protocol === 'https:' ? requestHttps : requestHttp)(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': bytes.length,
      'user-agent': 'videoflow',
    },
    // One of its own: a kept one may be closed by the other side just when it is used again, and then nobody knows
    // whether the message was sent.
    agent: false,
    signal,
  });
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    outgoing.destroy();
  }, timeoutMs);
  try {
    const head = awaitAnswerHead(outgoing, signal);
    outgoing.end(bytes);
    return await readReply(await head, maxAnswerBytes);
  } catch (error) {
    signal.throwIfAborted();
    return { status: null, why: isLate ? 'no_answer_in_time' : systemWord(error) };
  } finally {
    clearTimeout(late);
    outgoing.destroy();
  }
}

async function readReply(incoming: IncomingMessage, maxAnswerBytes: number): Promise<BotReply> {
  const body = await readAnswerBody(incoming, maxAnswerBytes);
  if (body === null) return { status: null, why: 'answer_too_long' };
  return { status: incoming.statusCode ?? 0, body: parseAnswer(body) };
}
