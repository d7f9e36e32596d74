import type { Answer, TestApi, TestUser } from '../../support/api.ts';
import { videoBytes } from '../../support/uploading.ts';

export const VERSION = { 'tus-resumable': '1.0.0' };
export const OCTETS = { 'content-type': 'application/offset+octet-stream' };

/** Metadata as a client writes it. */
export const metadata = (pairs: Record<string, string>): string =>
  Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');

export interface Asked {
  headers?: Record<string, string>;
  body?: Buffer;
  token?: string | null;
}

/** Plain requests of one user, as the protocol writes them down; no client library hides anything. */
export function createConversation(api: TestApi, user: TestUser) {
  const ask = (method: string, path: string, { headers = {}, body, token = user.token }: Asked = {}) =>
    api.call(path, { method, token, headers, ...(body ? { body: new Uint8Array(body) } : {}) });
  const post = (asked: Asked = {}) =>
    ask('POST', '/v1/uploads', { ...asked, headers: { ...VERSION, ...asked.headers } });
  const pathOf = (answer: Answer) => new URL(answer.headers.get('location') ?? '').pathname;

  return {
    user,
    ask,
    post,
    pathOf,
    head: (path: string, asked: Asked = {}) => ask('HEAD', path, { headers: VERSION, ...asked }),
    show: async (path: string) => (await ask('GET', path)).body,
    remove: (path: string, asked: Asked = {}) => ask('DELETE', path, { headers: VERSION, ...asked }),
    /** Sends bytes to an offset; headers that are given replace those that belong there. */
    patch: (path: string, offset: number, body: Buffer, headers: Record<string, string> = {}) =>
      ask('PATCH', path, {
        body,
        headers: { ...VERSION, ...OCTETS, 'upload-offset': String(offset), ...headers },
      }),
    /** An upload of a length, or of none that is known. @returns its path */
    begin: async (length: number | null, headers: Record<string, string> = {}): Promise<string> => {
      const size = length === null ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) };
      const answer = await post({ headers: { ...size, ...headers } });
      if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
      return pathOf(answer);
    },
    /** Where the upload stands, as HEAD says. */
    offset: async (path: string) =>
      Number((await ask('HEAD', path, { headers: VERSION })).headers.get('upload-offset')),
    bytes: videoBytes,
  };
}

export type Conversation = ReturnType<typeof createConversation>;

/** One sentence of the protocol that a server has to keep, and how it is seen to be kept. */
export type Statement = readonly [
  sentence: string,
  check: (tus: Conversation, api: TestApi) => Promise<void>,
];
