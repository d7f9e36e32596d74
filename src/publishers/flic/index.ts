import type { Config } from '../../config.ts';
import { isRefusal, toUndetermined } from '../answers.ts';
import { askProvider, isSendable } from '../exchange.ts';
import type { Publisher } from '../publisher.ts';
import { authorization, hasUploadAddress, UPLOAD_ADDRESS_PATH } from './contract.ts';

/** Many times what an address and a hash take. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** Makes the publisher that brings posts to Flic. */
export const createFlic = ({
  config,
  answerTimeoutMs,
}: {
  config: Pick<Config, 'FLIC_BASE_URL'>;
  answerTimeoutMs: number;
}): Publisher => ({
  async checkCredentials({ key }, signal) {
    if (!isSendable(key)) return { outcome: 'refused' };
    const reply = await askProvider({
      address: new URL(`${config.FLIC_BASE_URL.replace(/\/+$/, '')}/${UPLOAD_ADDRESS_PATH}`),
      headers: authorization(key),
      ...{ timeoutMs: answerTimeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES, signal },
    });
    if (isRefusal(reply)) return { outcome: 'refused' };
    const isGood = reply.status !== null && reply.status < 300 && hasUploadAddress(reply.body);
    return isGood ? { outcome: 'accepted', hasProfile: true, missing: [] } : toUndetermined(reply);
  },
});
