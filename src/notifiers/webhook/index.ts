import { VideoflowError } from '../../errors.ts';
import { PREFIX, signMessage } from './sign.ts';

/** Where one webhook is, and what its deliveries are signed with. */
export interface WebhookTarget {
  url: string;
  /** All that sign now; the newest first. */
  secrets: readonly string[];
}

/** What came of one attempt; without an answer there is an error, and nothing that says how long that took. */
export interface SendOutcome {
  status: number | null;
  durationMs: number | null;
  retryAfter: string | null;
  errorCode: string | null;
  /** The first kilobyte of the answer, without the secrets that it may have sent back. */
  response: string | null;
}

export interface WebhookSender {
  /** Makes one attempt. Whatever the other side does is an outcome. @throws what is our own trouble */
  send(target: WebhookTarget, message: { id: string; body: Buffer }): Promise<SendOutcome>;
}

/** The way out, as far as it is needed here: see `Egress.send`. */
type Send = (request: {
  url: string;
  headers: Record<string, string>;
  body: Buffer;
  timeoutMs: number;
  secrets: readonly string[];
  signal: AbortSignal;
}) => Promise<{ status: number; durationMs: number; retryAfter: string | null; text: string }>;

/** What the way out says of an address that did not answer. */
const NO_ANSWER = ['refused', 'unreachable', 'timeout', 'untrusted'];
const NEVER = new AbortController().signal;

/** Makes what delivers signed messages to receivers. */
export function createWebhookSender({ send, timeoutSec }: { send: Send; timeoutSec: number }): WebhookSender {
  return {
    async send({ url, secrets }, { id, body }) {
      const timestampSec = Math.floor(Date.now() / 1000);
      const signature = trySigning({ id, timestampSec, body }, secrets);
      if (!signature) return withoutAnswer('secret_unreadable');
      const headers = { 'content-type': 'application/json', ...signature };
      // Receivers configure a secret with its prefix or without it, and send back what they have.
      const hidden = secrets.flatMap((secret) => [secret, secret.replace(PREFIX, '')]);
      const options = { timeoutMs: timeoutSec * 1000, secrets: hidden, signal: NEVER };
      try {
        const { text, ...answer } = await send({ url, headers, body, ...options });
        return { ...answer, errorCode: null, response: text };
      } catch (error) {
        if (!(error instanceof VideoflowError && NO_ANSWER.includes(error.code))) throw error;
        return withoutAnswer(error.code);
      }
    },
  };
}

const withoutAnswer = (errorCode: string): SendOutcome => ({
  ...{ status: null, durationMs: null, retryAfter: null, response: null },
  errorCode,
});

/** Null where a secret is no key: that concerns this webhook, and none beside it. */
function trySigning(...message: Parameters<typeof signMessage>): Record<string, string> | null {
  try {
    return signMessage(...message);
  } catch {
    return null;
  }
}
