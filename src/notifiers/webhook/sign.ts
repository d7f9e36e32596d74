import { createHmac } from 'node:crypto';

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
 * Signs by the Standard Webhooks specification (1.0.0): HMAC-SHA256 over id, timestamp and body under the bytes that a
 * secret's base64 stands for; one signature for each secret, so that receivers may change theirs at any moment.
 *
 * @returns the three headers
 */
export function signMessage(
  { id, timestampSec, body }: SignedMessage,
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(PREFIX, ''), 'base64');
    const signature = createHmac('sha256', key).update(`${id}.${timestampSec}.`).update(body);
    return `v1,${signature.digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSec),
    'webhook-signature': signatures.join(' '),
  };
}
