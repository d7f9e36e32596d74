import { askOnce, type Question } from '../../askOnce.ts';

/** Its address holds the token. */
export interface BotExchange extends Pick<Question, 'address' | 'timeoutMs' | 'maxAnswerBytes' | 'signal'> {
  body: object;
}

/** What came, if anything whole did; `why` is a word of the system's or ours, never one of what was sent. */
export type BotReply = { status: number; body: unknown } | { status: null; why: string };

/**
 * Asks the Bot API once.
 *
 * @throws what `signal` was aborted with
 */
export const askBotApi = ({ body, ...exchange }: BotExchange): Promise<BotReply> =>
  askOnce({
    ...exchange,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body), 'utf8'),
  });
