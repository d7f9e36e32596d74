import type { ProviderReply } from './exchange.ts';
import type { CredentialsAnswer } from './publisher.ts';

/** Of any provider: it does not let us in. */
export const isRefusal = ({ status }: ProviderReply): boolean => status === 401 || status === 403;

/** What is left of a reply that says neither yes nor no. */
export function toUndetermined(reply: ProviderReply): CredentialsAnswer {
  if (reply.status === null) return { outcome: 'undetermined', why: reply.why, retryAfterMs: null };
  const { status, retryAfterMs } = reply;
  const isOdd = status >= 200 && status < 300;
  return { outcome: 'undetermined', why: isOdd ? 'odd_answer' : `status_${status}`, retryAfterMs };
}
