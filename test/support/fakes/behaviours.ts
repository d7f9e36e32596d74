import type { ServerResponse } from 'node:http';

/** How a fake answers instead of well. Plain data, but for `alter`. */
export type Behaviour =
  | { kind: 'well' }
  /** Well, but only after this time. */
  | { kind: 'slow'; ms: number }
  /** Exactly this; a text is sent as it is, everything else as JSON. */
  | { kind: 'answer'; status: number; body: unknown; headers?: Record<string, string> }
  /** A good answer whose body is changed; see `lies.ts`. */
  | { kind: 'alter'; change: (body: unknown) => unknown }
  /** The connection ends in the middle of the body of a good answer. */
  | { kind: 'cut' }
  /** The head and half of the body, and then nothing more. */
  | { kind: 'stall' }
  /** The connection ends before any answer. */
  | { kind: 'drop' }
  /** No answer, ever. */
  | { kind: 'hang' }
  /** A 101 that nobody has asked for, with the connection ended after it or kept open. */
  | { kind: 'upgrading'; isKept: boolean };

const refusal = (
  status: number,
  error: { message: string; type: string; param?: string; code?: string | null },
  headers: Record<string, string> = {},
): Behaviour & { kind: 'answer' } => ({
  kind: 'answer',
  status,
  headers,
  body: { error: { ...error, param: error.param ?? null, code: error.code ?? null } },
});

/** 429; whoever asked too often is told how long to wait, in the header(s) that the test wants to see read. */
export const rateLimited = (headers: Record<string, string> = { 'retry-after': '1' }) =>
  refusal(
    429,
    {
      message:
        'Rate limit reached for whisper-1 in organization org-fake on requests per min (RPM): Limit 3, Used 3, ' +
        'Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more.',
      type: 'requests',
      code: 'rate_limit_exceeded',
    },
    headers,
  );

/** 429 as well, and no waiting helps. */
export const quotaExhausted = () =>
  refusal(429, {
    message:
      'You exceeded your current quota, please check your plan and billing details. For more information on this ' +
      'error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
    type: 'insufficient_quota',
    code: 'insufficient_quota',
  });

/** 401, with the key half hidden in the message, as OpenAI does. */
export const wrongKey = (key = 'sk-fake') =>
  refusal(401, {
    message:
      `Incorrect API key provided: ${key.slice(0, 4)}****${key.slice(-4)}. You can find your API key at ` +
      'https://platform.openai.com/account/api-keys.',
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  });

export const forbidden = () =>
  refusal(403, {
    message: 'Project `proj_fake` does not have access to model `whisper-1`',
    type: 'invalid_request_error',
    code: 'model_not_found',
  });

export const badRequest = () =>
  refusal(400, { message: 'Something in the request is wrong.', type: 'invalid_request_error' });

export const serverError = () =>
  refusal(500, {
    message: 'The server had an error while processing your request. Sorry about that!',
    type: 'server_error',
  });

export const slowDown = (headers: Record<string, string> = {}) =>
  refusal(
    503,
    { message: 'The server is overloaded. Please slow down.', type: 'server_error', code: 'slow_down' },
    headers,
  );

/** What goes wrong after the head of the answer is sent: OpenRouter and others tell it in a body under 200. */
export const errorInside = (error: object = { message: 'Upstream error', code: 502 }): Behaviour => ({
  kind: 'answer',
  status: 200,
  body: { error },
});

export const notJson = (contentType = 'application/json'): Behaviour => ({
  kind: 'answer',
  status: 200,
  headers: { 'content-type': contentType },
  body: '<html><body><h1>It works!</h1></body></html>',
});

/** Those that can be asked for by hand: `POST /fakes/behave/<service>` with a list of these names, one for each of its next requests. */
export const BY_NAME: Record<string, Behaviour> = {
  well: { kind: 'well' },
  slow: { kind: 'slow', ms: 5000 },
  rate_limited: rateLimited({ 'retry-after': '5' }),
  quota_exhausted: quotaExhausted(),
  wrong_key: wrongKey(),
  forbidden: forbidden(),
  bad_request: badRequest(),
  server_error: serverError(),
  slow_down: slowDown({ 'retry-after': '2' }),
  error_inside: errorInside(),
  not_json: notJson(),
  cut: { kind: 'cut' },
  stall: { kind: 'stall' },
  drop: { kind: 'drop' },
  hang: { kind: 'hang' },
  upgrading: { kind: 'upgrading', isKept: true },
};

/** Answers with a 101, below what a server of Node's would send. */
export function switchProtocols(response: ServerResponse, isKept: boolean): void {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
  if (isKept) response.socket?.write(head);
  else response.socket?.end(head);
}
