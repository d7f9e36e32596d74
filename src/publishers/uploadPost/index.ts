import type { Config } from '../../config.ts';
import { isRefusal, toUndetermined } from '../answers.ts';
import { askProvider, isSendable, type ProviderReply } from '../exchange.ts';
import type { CredentialsAnswer, CredentialsQuestion, Publisher } from '../publisher.ts';
import { authorization, OWN_PATH, profilePath, readMissing, saysWell } from './contract.ts';

/** Many times what a profile with every platform takes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Makes the publisher that brings posts to platforms by way of Upload-Post. */
export function createUploadPost({
  config,
  answerTimeoutMs,
}: {
  config: Pick<Config, 'UPLOAD_POST_BASE_URL'>;
  answerTimeoutMs: number;
}): Publisher {
  const ask = (path: string, key: string, signal: AbortSignal): Promise<ProviderReply> =>
    askProvider({
      address: new URL(`${config.UPLOAD_POST_BASE_URL.replace(/\/+$/, '')}/${path}`),
      headers: authorization(key),
      ...{ timeoutMs: answerTimeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES, signal },
    });

  /**
   * Asks about the key alone. Of a profile that is not there the 404 says nothing of it: a wrong address gives one as well,
   * and must not look like a key that was accepted.
   */
  async function checkKey(key: string, signal: AbortSignal): Promise<CredentialsAnswer> {
    const reply = await ask(OWN_PATH, key, signal);
    if (isRefusal(reply)) return { outcome: 'refused' };
    if (reply.status !== 200 || !saysWell(reply.body)) return toUndetermined(reply);
    return { outcome: 'accepted', hasProfile: false, missing: [] };
  }

  return {
    async checkCredentials({ key, username, platforms }: CredentialsQuestion, signal) {
      if (!isSendable(key)) return { outcome: 'refused' };
      const path = profilePath(username);
      if (path === null) return checkKey(key, signal);
      const reply = await ask(path, key, signal);
      if (isRefusal(reply)) return { outcome: 'refused' };
      if (reply.status === 404) return checkKey(key, signal);
      const missing = reply.status === 200 ? readMissing(reply.body, platforms) : null;
      if (missing === null) return toUndetermined(reply);
      return { outcome: 'accepted', hasProfile: true, missing };
    },
  };
}
