import { randomBytes } from 'node:crypto';

/** Of the Standard Webhooks specification, which also says how long a secret may be: 24 to 64 bytes. */
const PREFIX = 'whsec_';

/** Makes what the deliveries of a webhook are signed with, of 256 random bits, as its receiver configures it. */
export const makeWebhookSecret = (): string => PREFIX + randomBytes(32).toString('base64');
