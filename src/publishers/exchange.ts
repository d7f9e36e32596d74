import { askOnce, type Question } from '../askOnce.ts';
import { KEY_PATTERN } from '../domain/credentials.ts';
import { readRetryAfter } from '../domain/retryAfter.ts';

/** What came, if anything whole did; `why` is a word of the system's or ours, never one of what was sent or answered. */
export type ProviderReply =
  | { status: number; body: unknown; retryAfterMs: number | null }
  | { status: null; why: string };

/** Says whether a key can be sent at all. Node's own refusal would name the header, and look like trouble that passes. */
export const isSendable = (key: string): boolean => KEY_PATTERN.test(key);

/**
 * Asks a provider once, with GET; the headers hold the key.
 *
 * @throws what `signal` was aborted with
 */
export async function askProvider(question: Omit<Question, 'body'>): Promise<ProviderReply> {
  const reply = await askOnce({ ...question, headers: { accept: 'application/json', ...question.headers } });
  if (reply.status === null) return reply;
  const { status, body, headers } = reply;
  return { status, body, retryAfterMs: readRetryAfter(headers['retry-after'], Date.now()) };
}
