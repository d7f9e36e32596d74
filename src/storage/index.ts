import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { createHostCache } from './hostCache.ts';
import { createLocalStorage } from './local.ts';
import { createS3Storage } from './s3.ts';
import { openBucket } from './s3Client.ts';
import type { Storage } from './storage.ts';

/** Opens the storage that the configuration names. */
export function createStorage({ config, log: root }: { config: Config; log: Log }): Storage {
  const log = root.child({ module: 'storage' });
  if (!config.S3)
    return createLocalStorage({ dir: config.STORAGE_DIR, log, minFreeBytes: config.MIN_FREE_BYTES });
  return createS3Storage({
    bucket: openBucket(config.S3),
    cache: createHostCache({ dir: config.CACHE_DIR, maxBytes: config.CACHE_MAX_BYTES, log }),
    maxObjectBytes: config.MAX_UPLOAD_BYTES,
    log,
  });
}
