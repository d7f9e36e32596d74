import OpenAI from 'openai';
import { createExchange } from './exchange.ts';

/**
 * Makes a client of a server that speaks OpenAI's API. What the package would read from the environment is given, so that
 * only our configuration counts, and nobody's key goes to whomever is configured here. Its one other variable,
 * OPENAI_CUSTOM_HEADERS, cannot be turned off.
 *
 * @param maxAnswerBytes far above what an honest answer takes
 */
export const createApiClient = ({
  baseURL,
  apiKey,
  maxAnswerBytes,
}: {
  baseURL: string;
  apiKey: string;
  maxAnswerBytes: number;
}): OpenAI =>
  new OpenAI({
    ...{ baseURL, apiKey, fetch: createExchange(maxAnswerBytes) },
    ...{ organization: null, project: null, adminAPIKey: null, webhookSecret: null },
    // The engine repeats, by the class of the error; its own lines would show what was sent.
    ...{ maxRetries: 0, logLevel: 'off' },
  });
