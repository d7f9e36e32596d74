import { z } from 'zod';
import type { ChunkedFile } from '../../db/uploadChunks.ts';
import { invalidRequest } from '../problem.ts';
import type { FormFields } from './multipart.ts';
import { toVideoEntry } from './videoEntry.ts';
import { line, orEmpty, parseForm, uploadFields } from './videoFields.ts';

export const MAX_CHUNKS = 10_000;

const count = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number)
  .pipe(z.int().min(1).max(MAX_CHUNKS));

/** What is told of a chunk beside its bytes, and of the video that it is a part of. */
export const chunkFields = uploadFields.extend({
  chunk_number: count.meta({ description: 'From 1 on, in the order of the bytes', example: '1' }),
  total_chunks: count.meta({ description: `The same for all chunks, at most ${MAX_CHUNKS}`, example: '3' }),
  file_id: line(200).meta({ description: "The client's own id of the file", example: 'holiday-2026-07' }),
  file_name: z.string().min(1).max(1000).meta({ description: 'Gives the title', example: 'holiday.mp4' }),
  chunk_sha256: orEmpty(z.string().regex(/^[0-9a-fA-F]{64}$/, 'must be a SHA-256 in hex')).meta({
    description: 'Of the bytes of this chunk; other bytes are refused',
  }),
});

export type ChunkFields = z.output<typeof chunkFields>;

const someFields = chunkFields.partial();
export type SomeChunkFields = z.output<typeof someFields>;

/**
 * Parses the fields that stand before the chunk, as far as they do.
 *
 * @throws HttpProblem `invalid_request`
 */
export function parseFieldsSoFar(form: FormFields): SomeChunkFields {
  const fields = parseForm(someFields, form);
  assertInRange(fields);
  return fields;
}

/** Parses them all. @throws HttpProblem `invalid_request` */
export function parseAllFields(form: FormFields): ChunkFields {
  const fields = parseForm(chunkFields, form);
  assertInRange(fields);
  return fields;
}

function assertInRange({ chunk_number, total_chunks }: SomeChunkFields): void {
  if ((chunk_number ?? 0) <= (total_chunks ?? MAX_CHUNKS)) return;
  throw invalidRequest([{ path: 'chunk_number', message: 'must not be more than total_chunks' }]);
}

/** Gives what a chunk says of its file. */
export function toChunkedFile(userId: string, fields: ChunkFields): ChunkedFile {
  return {
    userId,
    clientFileId: fields.file_id,
    totalChunks: fields.total_chunks,
    optionalSteps: fields.process ?? null,
    entry: toVideoEntry(fields, fields.file_name),
  };
}
