import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import type { z } from 'zod';
import { parsePart } from './parse.ts';
import { HttpProblem } from './problem.ts';

const LIMIT_BYTES = 1024 * 1024;
/** A megabyte takes no honest client longer; one that trickles only holds a connection. */
const DEADLINE_MS = 30_000;

const readBody = koaBody({
  json: true,
  jsonStrict: true,
  jsonLimit: LIMIT_BYTES,
  multipart: false,
  urlencoded: false,
  text: false,
  parsedMethods: ['POST', 'PUT', 'PATCH', 'DELETE'] as never,
});

/**
 * Reads and parses a JSON body of at most 1 MiB; a request without a body counts as an empty object, so
 * that the schema says what is missing.
 *
 * @throws HttpProblem `unsupported_media_type`, `invalid_json`, `too_large`, `invalid_request`, `request_timeout`
 */
export async function readJson<Schema extends z.ZodType>(
  ctx: Context,
  schema: Schema,
): Promise<z.output<Schema>> {
  const hasBody = ctx.request.length !== 0 && ctx.is('json') !== null;
  if (hasBody && !ctx.is('json')) {
    throw new HttpProblem('unsupported_media_type', 'The body must be application/json');
  }
  if (hasBody) await inTime(() => readBody(ctx, async () => {})).catch(refuse);
  const body = (ctx.request as { body?: unknown }).body ?? {};
  return parsePart(schema, body) as z.output<Schema>;
}

async function inTime(read: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    const headers = { Connection: 'close' };
    timer = setTimeout(() => reject(new HttpProblem('request_timeout', undefined, { headers })), DEADLINE_MS);
  });
  try {
    await Promise.race([read(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The errors of the parser quote the body, so nothing but their meaning goes on. */
function refuse(error: Error & { status?: number; type?: string }): never {
  if (error instanceof HttpProblem) throw error;
  if (error.type === 'request.aborted') throw new HttpProblem('upload_aborted');
  if (error.status === 413) throw new HttpProblem('too_large', 'A JSON body may have 1 MiB at most');
  if (error.status === 415) {
    throw new HttpProblem('unsupported_media_type', 'The Content-Encoding is not one that is taken here');
  }
  throw new HttpProblem('invalid_json');
}
