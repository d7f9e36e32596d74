import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import busboy from 'busboy';
import { HttpProblem, invalidRequest } from '../problem.ts';
import { readBodyChunks } from './bodyChunks.ts';
import type { ChunkMemory } from './chunkMemory.ts';
import { type Patience, untilTakenUp } from './takingUp.ts';

/** Enough for a description; what is longer is told to be too long. */
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_FIELDS = 200;
/** What all that is not the file may weigh: fields, heads, and what stands before and after the parts. */
export const FORM_OVERHEAD_BYTES = 1024 * 1024;
/**
 * The parser hands over piece by piece: what it gathers for a reader that is late comes out as one copy,
 * and copying cost half of the speed (measured). Gathering is done where it is written.
 */
const HAND_OVER_BYTES = 1;

/** How a part is called that came without a name, whatever the parser's types say. */
const UNNAMED = '(unnamed)';

/** The fields of a form by name, each with all its values. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

export interface ReceivedForm<File> {
  fields: FormFields;
  file: File;
  /** As sent, and thus not to be trusted. */
  filename: string | undefined;
}

export interface FormOptions<File> extends Patience {
  /** The name of the one file part. */
  fileField: string;
  /**
   * Stores the file. It is given the fields that came before, so that a wrong one can be refused before hours of
   * sending.
   */
  receive: (chunks: AsyncIterable<Buffer>, fields: FormFields) => Promise<File>;
  /** Drops a file that was received in vain. */
  drop: (file: File) => Promise<void>;
  memory: ChunkMemory;
}

/**
 * Reads a `multipart/form-data` body with one file, which streams to where `receive` puts it.
 *
 * @throws HttpProblem `invalid_body`, `invalid_request`, `too_large`, `upload_aborted`; and what `receive` throws.
 *   A received file is dropped then.
 */
export async function receiveForm<File>(
  request: IncomingMessage,
  options: FormOptions<File>,
): Promise<ReceivedForm<File>> {
  const stop = new AbortController();
  const form = openForm(request.headers, options);
  try {
    await Promise.race([
      feed(request, form, { ...options, gone: AbortSignal.any([stop.signal, options.gone]) }),
      form.failure,
    ]);
    const received = await form.file();
    if (!received) throw invalidRequest([{ path: options.fileField, message: 'is required, as a file' }]);
    return { fields: form.fields, ...received };
  } catch (error) {
    stop.abort();
    await form.drop(error as Error);
    throw error;
  }
}

/** Hands the body to the parser, no faster than the file is taken up. */
async function feed(
  request: IncomingMessage,
  { parser, fileBytes }: { parser: Writable; fileBytes: () => number },
  { memory, ...patience }: Patience & { memory: ChunkMemory },
): Promise<void> {
  let fedBytes = 0;
  for await (const chunk of readBodyChunks(request, { memory })) {
    if (patience.gone.aborted) return;
    if (!parser.write(chunk)) await untilTakenUp(parser, 'drain', patience);
    fedBytes += chunk.length;
    // The file's count lags behind by what the parser holds, which is a few chunks at most.
    if (fedBytes - fileBytes() > FORM_OVERHEAD_BYTES) throw tooMuchAround();
  }
  parser.end();
  await untilTakenUp(parser, 'close', patience);
}

const tooMuchAround = (): HttpProblem =>
  new HttpProblem(
    'too_large',
    `Around its file a form may have ${FORM_OVERHEAD_BYTES} bytes at most; a part is a file only when it has a filename`,
  );

/** A form under way; `failure` never resolves, it rejects as soon as something is wrong. */
function openForm<File>(headers: IncomingHttpHeaders, { fileField, receive, drop }: FormOptions<File>) {
  const { promise: failure, reject: fail } = Promise.withResolvers<never>();
  failure.catch(() => {});
  const fields = new Map<string, string[]>();
  let fileBytes = 0;
  async function* count(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      fileBytes += chunk.length;
      yield chunk;
    }
  }
  let file: { stream: Readable; filename: string | undefined; received: Promise<File> } | undefined;

  const parser = createParser(headers);
  parser.on('error', (cause) => fail(new HttpProblem('invalid_body', undefined, { cause })));
  parser.on('fieldsLimit', () => fail(new HttpProblem('invalid_body', 'The form has too many fields')));
  parser.on('field', (sentName, value, { valueTruncated }) => {
    const name = sentName ?? UNNAMED;
    // To the parser a part without a filename is text, unless it calls itself octets.
    if (name === fileField)
      fail(invalidRequest([{ path: name, message: 'has no filename, which makes it a file' }]));
    if (valueTruncated) fail(invalidRequest([{ path: name, message: 'is too long' }]));
    fields.set(name, [...(fields.get(name) ?? []), value]);
  });
  parser.on('file', (sentName, stream, { filename }) => {
    const name = sentName ?? UNNAMED;
    // The parser tells every error of a file a second time on its stream; unheard it would end the process.
    stream.on('error', () => {});
    try {
      if (name !== fileField) throw invalidRequest([{ path: name, message: 'is not a known file field' }]);
      if (file) throw invalidRequest([{ path: fileField, message: 'may be sent once only' }]);
      const received = receive(count(stream), fields);
      file = { stream, filename, received };
      received.catch(fail);
    } catch (error) {
      fail(error);
    }
  });
  return {
    parser,
    fields,
    failure,
    fileBytes: () => fileBytes,
    file: async () => file && { file: await file.received, filename: file.filename },
    drop: async (error: Error) => {
      parser.destroy();
      file?.stream.destroy(error);
      const received = await file?.received.catch(() => null);
      if (received) await drop(received);
    },
  };
}

/**
 * busboy and not its fork @fastify/busboy: what it remembers from the end of a chunk it hands out as a
 * copy. The fork hands out the buffer that it goes on using; so far what it writes there is what was
 * there before (the beginning of the boundary), but nothing promises that.
 */
function createParser(headers: IncomingHttpHeaders) {
  try {
    return busboy({
      headers,
      fileHwm: HAND_OVER_BYTES,
      // Not preservePath: what a client calls its file is a name, never a path.
      defParamCharset: 'utf8',
      limits: { fieldSize: MAX_FIELD_BYTES, fields: MAX_FIELDS, headerPairs: 32 },
    });
  } catch (cause) {
    throw new HttpProblem('invalid_body', 'The form has no boundary', { cause });
  }
}
