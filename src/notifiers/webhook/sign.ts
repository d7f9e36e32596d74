import { Webhook } from 'standardwebhooks';

/** What a secret may begin with; it is no part of the key. */
export const PREFIX = /^whsec_/;

export interface SignedMessage {
  /** The same over all attempts: what a receiver knows repetitions by. */
  id: string;
  /** Unix time of this attempt, in whole seconds. */
  timestampSec: number;
  body: Buffer;
}

/**
 * Signs by the Standard Webhooks specification (1.0.0): one signature for each secret, so that receivers may change theirs at
 * any moment.
 *
 * @returns the three headers
 */
export function signMessage(
  { id, timestampSec, body }: SignedMessage,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = new Date(timestampSec * 1000);
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, timestamp, body));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSec),
    'webhook-signature': signatures.join(' '),
  };
}
