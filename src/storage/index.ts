import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { createLocalStorage } from './local.ts';
import type { Storage } from './storage.ts';

/** Opens the storage that the configuration names. */
export async function createStorage({ config, log: root }: { config: Config; log: Log }): Promise<Storage> {
  const log = root.child({ module: 'storage' });
  if (!config.S3)
    return createLocalStorage({ dir: config.STORAGE_DIR, log, minFreeBytes: config.MIN_FREE_BYTES });
  // The SDK takes 20 MB and half a second, which a folder need not pay for.
  const { createS3Storage } = await import('./s3.ts');
  return createS3Storage({
    s3: config.S3,
    cacheDir: config.CACHE_DIR,
    cacheMaxBytes: config.CACHE_MAX_BYTES,
    maxObjectBytes: config.MAX_UPLOAD_BYTES,
    log,
  });
}
