import { request } from 'node:http';
import type { Answer, TestApi, TestUser } from './api.ts';

/** A link as its owner and its viewers have it. */
export interface TestShare {
  id: string;
  videoId: string;
  handle: string;
  /** Of the page, without the host. */
  path: string;
  /** What the owner was answered. */
  made: Answer;
}

/** Makes a link over HTTP. */
export async function makeShare(
  api: TestApi,
  owner: TestUser,
  videoId: string,
  options: { expires_in?: number; max_views?: number; allow_download?: boolean } = {},
): Promise<TestShare> {
  const made = await api.call(`/v1/videos/${videoId}/shares`, {
    token: owner.token,
    json: { expires_in: 3600, ...options },
  });
  if (made.status !== 201) throw new Error(`the share was answered ${made.status}`);
  const path = toLocal(api, made.body.url);
  return { id: made.body.id, videoId, handle: path.slice('/s/'.length), path, made };
}

/** Gives an absolute address of the API without its host. */
export function toLocal(api: TestApi, url: string): string {
  if (!url.startsWith(`${api.config.PUBLIC_URL}/`)) throw new Error('the address is not one of the API');
  return url.slice(api.config.PUBLIC_URL.length);
}

/** Begins a session, or goes on with one. @returns the signed path of the bytes */
export async function openSession(api: TestApi, { path }: TestShare, session?: string): Promise<string> {
  const answer = await api.call(`${path}/session${session === undefined ? '' : `?session=${session}`}`);
  if (answer.status !== 200) throw new Error(`the session was answered ${answer.status}`);
  return toLocal(api, answer.body.url);
}

/** Asks with a path that goes over the wire as it is, byte by byte. @returns the status, 0 for no answer */
export function askRaw(url: string, path: string, method = 'GET'): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, method }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode ?? 0));
    });
    asking.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(0) : reject(error),
    );
    asking.end();
  });
}

/** What the tests do to shares, and see of them, by an API and an owner that there are when they run. */
export function shareActions(of: () => { api: TestApi; user: TestUser }) {
  const listed = async ({ videoId, id }: TestShare) => {
    const { api, user } = of();
    const { body } = await api.call(`/v1/videos/${videoId}/shares?limit=100`, { token: user.token });
    return body.data.find((share: { id: string }) => share.id === id);
  };
  return {
    listed,
    views: async (share: TestShare): Promise<number> => (await listed(share)).views,
    revoke: (id: string, token = of().user.token) =>
      of().api.call(`/v1/shares/${id}`, { method: 'DELETE', token }),
    /** Moves the share's end into the past, since the clock that counts is the database's. */
    expire: ({ id }: TestShare) =>
      of().api.sql(`update shares set expires_at = now() - interval '1 millisecond' where id = $1`, [id]),
    range: (path: string, range = 'bytes=0-9') => of().api.call(path, { headers: { range } }),
  };
}

export const isPage = ({ headers }: Answer): boolean => /^text\/html/.test(headers.get('content-type') ?? '');
