import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A file as it came in a form. */
export interface ReceivedFile {
  /** The field that holds it. */
  field: string;
  name: string;
  contentType: string;
  sizeBytes: number;
  sha256: string;
}

/** A request whose body is read and taken apart. */
export interface Received {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  /** The fields of a form, every value under its name as it came (`timestamp_granularities[]`). */
  fields: Record<string, string[]>;
  file: ReceivedFile | null;
  fileBytes: Uint8Array | null;
  /** The body that was JSON; undefined for any other. */
  json: unknown;
}

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

/**
 * Reads a request to its end and takes its body apart.
 *
 * @throws when the client goes away, or the body is not what its type says
 */
export async function receive(request: IncomingMessage): Promise<Received> {
  const body = await readBody(request);
  const contentType = request.headers['content-type'] ?? '';
  const received: Received = {
    method: request.method ?? '',
    path: new URL(request.url ?? '/', 'http://fake').pathname,
    headers: request.headers,
    ...{ fields: {}, file: null, fileBytes: null, json: undefined },
  };
  // Some send the type with every request, also with those that have no body.
  if (contentType.startsWith('application/json') && body.length > 0)
    received.json = JSON.parse(body.toString('utf8'));
  if (contentType.startsWith('multipart/form-data')) await readForm(received, body, contentType);
  return received;
}

async function readForm(received: Received, body: Buffer, contentType: string): Promise<void> {
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': contentType },
  }).formData();
  for (const [field, value] of form) {
    if (typeof value === 'string') {
      received.fields[field] = [...(received.fields[field] ?? []), value];
      continue;
    }
    const bytes = new Uint8Array(await value.arrayBuffer());
    received.fileBytes = bytes;
    received.file = {
      ...{ field, name: value.name, contentType: value.type, sizeBytes: bytes.length },
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  }
}
