import type { Config } from '../config.ts';
import type { Provider } from '../domain/platform.ts';
import { createFlic } from './flic/index.ts';
import type { Publisher } from './publisher.ts';
import { createUploadPost } from './uploadPost/index.ts';

/** For one answer that takes a provider no work, from connecting to the last byte. */
const ANSWER_TIMEOUT_MS = 10_000;

export type Publishers = Readonly<Record<Provider, Publisher>>;

/** Makes the publisher of each provider. */
export function createPublishers({
  config,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
}: {
  config: Pick<Config, 'UPLOAD_POST_BASE_URL' | 'FLIC_BASE_URL'>;
  answerTimeoutMs?: number;
}): Publishers {
  return {
    upload_post: createUploadPost({ config, answerTimeoutMs }),
    flic: createFlic({ config, answerTimeoutMs }),
    // Built in: it takes everything, from everybody.
    test: { checkCredentials: async () => ({ outcome: 'accepted', hasProfile: true, missing: [] }) },
  };
}
