import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Storage } from '../../src/storage/storage.ts';
import type { TestApi } from './api.ts';
import { seededRandom } from './stack.ts';

const MIB = 1024 * 1024;

/** The first box of an MP4, which is all that an upload looks at. */
const MP4_HEAD = Buffer.from('00000020667479706d703432000000006d70343269736f6d6176633169736f35', 'hex');

/** Bytes that begin as a video does, different for every name. */
export function videoBytes(sizeBytes: number, name = 'video'): Buffer {
  const block = seededRandom(name).bytes(Math.min(sizeBytes, 64 * 1024));
  const bytes = Buffer.alloc(sizeBytes, block);
  MP4_HEAD.copy(bytes);
  return bytes;
}

/** A form in the order of its entries; a Buffer or Blob stands for a file. */
export function makeForm(entries: [name: string, value: string | Buffer, filename?: string][]): FormData {
  const form = new FormData();
  for (const [name, value, filename] of entries) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value)]), filename);
  }
  return form;
}

/** Everything in a storage, unfinished writes included. */
export async function listStored(storage: Storage): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of storage.listOlderThan('', new Date('2999-01-01T00:00:00Z'))) keys.push(key);
  return keys.sort();
}

/** The bytes that an upload has so far, as its hand-over would join them; leaves nothing behind. */
export async function readArrived(
  { db, storage }: Pick<TestApi, 'db' | 'storage'>,
  uploadId: string,
): Promise<Buffer> {
  const key = `test/${uploadId}`;
  await storage.join(key, await db.uploads.listSegments(uploadId));
  const bytes = await buffer(await storage.open(key));
  await storage.remove(key);
  return bytes;
}

/** A request whose body the test sends in its own time. */
export interface SlowRequest {
  send(chunk: Buffer): Promise<void>;
  end(): void;
  /** Cuts the connection. */
  cut(): void;
  answer: Promise<{ status: number; headers: Record<string, unknown>; body: string }>;
}

export function openRequest(
  api: TestApi,
  path: string,
  options: { method?: string; headers: Record<string, string | number> },
): SlowRequest {
  const outgoing = request(api.url + path, { method: 'POST', ...options });
  const answer: SlowRequest['answer'] = new Promise((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', async (response) => {
      let body = '';
      try {
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      } catch (error) {
        reject(error);
      }
    });
  });
  // A test that cuts the connection does not look at the answer.
  answer.catch(() => {});
  return {
    send: (chunk) => new Promise((resolve) => outgoing.write(chunk, () => resolve())),
    end: () => outgoing.end(),
    cut: () => outgoing.destroy(),
    answer,
  };
}

export { MIB };
