import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { RouteDeps } from '../../src/http/route.ts';
import { createByteCache } from '../../src/http/transcripts/byteCache.ts';
import {
  representTranscript,
  TRANSCRIPT_FORMATS,
  type TranscriptFormat,
  WRITER,
} from '../../src/http/transcripts/transcriptViews.ts';

const PROSE =
  'We came late. Nobody was there any more, so we went home. The next day we asked around & found <out> that it had been the wrong house all along.';
const transcript = {
  ...{ id: 'one', version: 3, kind: 'edited', language: 'en', model: null },
  createdAt: new Date('2026-01-02T03:04:05.678Z'),
  segments: [
    { startSec: 0, endSec: 12, text: PROSE, speaker: 'Ann --' },
    { startSec: 2, endSec: 2.5, text: 'Yes {\\an8}.', words: [{ startSec: 2, endSec: 2.5, text: 'Yes.' }] },
  ],
} as unknown as Parameters<(typeof TRANSCRIPT_FORMATS)['json']['write']>[0];

describe('written transcripts', () => {
  it('are written as the number of the writer says: raise it when this fails, since caches go by it', () => {
    const written = Object.values(TRANSCRIPT_FORMATS).map(({ write }) => write(transcript));
    const hash = createHash('sha256').update(written.join('\n')).digest('hex').slice(0, 8);
    assert.deepEqual([WRITER, hash], [1, 'c6015648']);
  });

  it('are read and written once, whoever asks', async () => {
    let reads = 0;
    const transcripts = {
      identify: async () => transcript,
      find: async () => {
        reads += 1;
        return transcript;
      },
    };
    const deps = { db: { transcripts }, writtenTranscripts: createByteCache({ maxBytes: 1e6 }) };
    const ask = (format: TranscriptFormat) =>
      representTranscript(deps as unknown as RouteDeps, { videoId: 'v', format, base: 'x' });
    const [first, ...others] = await Promise.all([ask('vtt'), ask('vtt'), ask('srt'), ask('vtt')]);
    assert.equal(reads, 2);
    assert.deepEqual((await ask('vtt'))?.sizeBytes, first?.sizeBytes);
    assert.equal(reads, 2);
    assert.notEqual(others[1]?.etag, first?.etag);
    assert.equal(others[2]?.etag, first?.etag);
  });
});
