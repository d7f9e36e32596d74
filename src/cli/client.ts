import type { z } from 'zod';
import { InterruptedError, NotReachableError, UsageError } from './failures.ts';
import { toRefusal } from './refusals.ts';

/** An answer of the API takes at most 25 s by its own rules. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Where the API is and how to get in; the token is shown nowhere. */
export interface Access {
  /** Without a slash at the end. */
  url: string;
  token: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

export interface Client {
  readonly url: string;
  /** What every request carries. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Sends one request and gives its answer, parsed.
   *
   * @throws RefusedError for every answer that is no success; NotReachableError; InterruptedError
   */
  send(method: string, path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Like `send` with GET, the body read by a schema. @throws RefusedError, NotReachableError, UsageError */
  get<Shape extends z.ZodType>(path: string, shape: Shape): Promise<z.output<Shape>>;
}

export interface ClientOptions {
  access: Access;
  version: string;
  signal: AbortSignal;
}

export function createClient({ access, version, signal }: ClientOptions): Client {
  const { url, token } = access;
  const headers = { authorization: `Bearer ${token}`, 'user-agent': `videoflow-cli/${version}` };
  const send: Client['send'] = async (method, path, extra = {}) => {
    const { response, text } = await exchange(url + path, {
      method,
      headers: { accept: 'application/json', ...headers, ...extra },
      // A token must not follow to wherever an answer points.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    }).catch((error: unknown) => {
      throw signal.aborted ? new InterruptedError() : notReachable(url, error);
    });
    if (!response.ok) {
      const header = (name: string) => response.headers.get(name) ?? undefined;
      throw toRefusal({ status: response.status, body: text, header });
    }
    return { status: response.status, headers: response.headers, body: parseJson(text) };
  };
  const get: Client['get'] = async (path, shape) => {
    const { success, data } = shape.safeParse((await send('GET', path)).body);
    if (!success) throw new UsageError(`${url} does not answer like videoflow; is the address right?`);
    return data;
  };
  return { url, headers, send, get };
}

async function exchange(url: string, init: RequestInit) {
  const response = await fetch(url, init);
  return { response, text: await response.text() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Gives the error for a request that got no answer; `fetch` hides the reason in its cause. */
export function notReachable(url: string, error: unknown): NotReachableError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  const reason = code ?? (cause instanceof Error ? cause.message : 'no answer');
  return new NotReachableError(`${url} cannot be reached (${reason})`, { cause: error });
}
