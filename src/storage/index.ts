import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { createLocalStorage } from './local.ts';
import type { Storage } from './storage.ts';

/** Opens the storage that the configuration names. */
export function createStorage({ config, log }: { config: Config; log: Log }): Storage {
  return createLocalStorage({
    dir: config.STORAGE_DIR,
    log: log.child({ module: 'storage' }),
    minFreeBytes: config.MIN_FREE_BYTES,
  });
}
