import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { PingWebhookInput } from './contract.ts';
import { inWords, pinging } from './policies.ts';

const { sendPing } = proxyActivities<Activities>(inWords(pinging, 'Send the ping'));

/** Sends one ping while somebody waits for it. Its row says what came of it. */
export const pingWebhook = (input: PingWebhookInput): Promise<void> => sendPing(input);
