import { startApi, type TestApi } from '../../support/api.ts';
import { checksum } from './checksum.ts';
import { createConversation, type Statement } from './conversation.ts';
import { core } from './core.ts';
import { creation } from './creation.ts';
import { expiration } from './expiration.ts';
import { NOT_FOR_US } from './notForUs.ts';
import { termination } from './termination.ts';

/** https://tus.io/protocols/resumable-upload, version 1.0.0, in the order of its text. */
const PARTS: Record<string, readonly Statement[]> = { core, creation, expiration, checksum, termination };

describe('tus 1.0.0', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi({ MAX_UPLOAD_BYTES: '1000000' });
  });
  after(() => api.close());

  for (const [part, statements] of Object.entries(PARTS)) {
    describe(part, () => {
      for (const [sentence, check] of statements) {
        it(sentence, async () => check(createConversation(api, await api.makeUser()), api));
      }
    });
  }

  describe('left out', () => {
    for (const [sentence, reason] of NOT_FOR_US) it(`${sentence} (${reason})`);
  });
});
