import type { IncomingMessage } from 'node:http';

/**
 * Reads the body of an answer to a request of node:http to its end.
 *
 * @returns null when it is longer than it may be; what is beyond is not read
 * @throws what the connection came to
 */
export async function readAnswerBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Reads JSON; undefined for what is none. The parser's own words would show the text. */
export function parseAnswer(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The system's word for what a connection came to (`ECONNRESET`), and nothing else of it: errors may hold addresses. */
export const systemWord = (error: unknown): string => {
  const code = String((error as NodeJS.ErrnoException | null)?.code ?? '');
  return /^[A-Z][A-Z_0-9]{1,40}$/.test(code) ? code : 'broken';
};
