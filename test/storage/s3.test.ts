import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../src/log.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import { withObjectStore } from '../support/objectStore.ts';
import { describeStorage } from './storageContract.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const log = createLog({ level: 'silent', program: 'test' });

describeStorage('S3', () => {
  const store = withObjectStore();
  return async () => {
    const dir = await mkdtemp(join(tmpdir(), 'videoflow-cache-'));
    const storage = createS3Storage({
      s3: store().access,
      cacheDir: join(dir, 'made'),
      cacheMaxBytes: GIB,
      maxObjectBytes: GIB,
      log,
    });
    return {
      storage,
      damageSegment: async (key) => {
        for await (const piece of storage.listOlderThan(key, new Date('2999-01-01'))) {
          await storage.remove(piece);
          return;
        }
      },
      dispose: async () => {
        for (const prefix of ['sources/', 'assets/', 'uploads/']) await storage.remove(prefix);
        await rm(dir, { recursive: true, force: true });
      },
    };
  };
});
