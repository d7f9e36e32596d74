import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const MOST_RSS_BYTES = 250 * 1000 * 1000;

/** What an MP4 begins with; the rest may be anything, since only the probe looks further. */
const FILE_TYPE_BOX = Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex');

describe('an upload of 1 GiB', () => {
  let engine: TestEngine;
  let api: ApiProcess;

  before(async function () {
    this.timeout(60_000);
    engine = await startTestEngine({ MIN_FREE_BYTES: '1' });
    api = await engine.startApi();
  });
  after(() => engine?.close());

  for (const [kind, path, before, after] of [
    ['raw body', '/v1/videos', '', ''],
    ['multipart', '/v1/videos', filePart('file'), '\r\n--x--\r\n'],
    ['one chunk of two', '/v1/videos/chunks', filePart('chunk'), afterChunk()],
  ] as const) {
    it(`keeps the API's memory small as ${kind}`, async function () {
      this.timeout(120_000);
      const status = await send(api, {
        path,
        contentType: before ? 'multipart/form-data; boundary=x' : 'video/mp4',
        length: GIB + Buffer.byteLength(before) + Buffer.byteLength(after),
        body: bigBody(Buffer.from(before), Buffer.from(after)),
      });
      assert.equal(status, path.endsWith('chunks') ? 200 : 202);
      const peakBytes = await peakRssBytes(api.pid);
      assert.ok(peakBytes <= MOST_RSS_BYTES, `the API's memory rose to ${Math.round(peakBytes / 1e6)} MB`);
    });
  }
});

function* bigBody(before: Buffer, after: Buffer): Iterable<Buffer> {
  if (before.length > 0) yield before;
  yield FILE_TYPE_BOX;
  const block = Buffer.alloc(MIB, 7);
  let left = GIB - FILE_TYPE_BOX.length;
  while (left > 0) {
    yield block.subarray(0, Math.min(MIB, left));
    left -= MIB;
  }
  if (after.length > 0) yield after;
}

function filePart(name: string): string {
  return `--x\r\nContent-Disposition: form-data; name="${name}"; filename="big.mp4"\r\nContent-Type: video/mp4\r\n\r\n`;
}

/** What follows the chunk in its form. */
function afterChunk(): string {
  const fields = { chunk_number: '1', total_chunks: '2', file_id: 'big', file_name: 'big.mp4' };
  const parts = Object.entries(fields).map(
    ([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return `\r\n${parts.join('')}--x--\r\n`;
}

interface Sent {
  path: string;
  contentType: string;
  length: number;
  body: Iterable<Buffer>;
}

function send(api: ApiProcess, { path, contentType, length, body }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${api.url}${path}`,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${api.token}`,
          'content-type': contentType,
          'content-length': length,
        },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    pipeline(Readable.from(body), outgoing).catch(reject);
  });
}

/** The highest resident memory of a process so far, as Linux keeps it. */
async function peakRssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
