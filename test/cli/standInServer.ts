import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
}

interface StoredUpload {
  id: string;
  length: number;
  bytes: Buffer[];
  metadata: Record<string, string>;
}

/** What the server answers instead, once; or true when it has dealt with the request in its own way. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface StandInServer {
  url: string;
  token: string;
  seen: SeenRequest[];
  uploads: Map<string, StoredUpload>;
  /** Asked before each request, in order; one that has dealt with a request is used up. */
  faults: Fault[];
  /** The statuses that a video goes through, the last one for ever. */
  videoStates: Array<Record<string, unknown>>;
  housekeeping: { report: unknown; polls: number };
  /** How the offer of a chat stands, each time that it is asked for; the last for ever. */
  linkStates: Array<Record<string, unknown>>;
  sha256(uploadId: string): string;
  close(): Promise<void>;
}

const sizeOf = ({ bytes }: StoredUpload) => bytes.reduce((sum, piece) => sum + piece.length, 0);

/** A server that knows just enough of the API for the command, and can be made to misbehave. */
export async function startStandInServer(): Promise<StandInServer> {
  const state: Omit<StandInServer, 'url' | 'close'> = {
    token: `vf_${randomUUID()}`,
    seen: [],
    uploads: new Map(),
    faults: [],
    videoStates: [{ status: 'ready', percent: 100, step: null, error: null }],
    housekeeping: { report: {}, polls: 0 },
    linkStates: [],
    sha256: (id) => {
      const hash = createHash('sha256');
      for (const piece of state.uploads.get(id)?.bytes ?? []) hash.update(piece);
      return hash.digest('hex');
    },
  };
  const server = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request;
    state.seen.push({ method, path, headers });
    const fault = state.faults.findIndex((each) => each(request, response));
    if (fault >= 0) state.faults.splice(fault, 1);
    else answer(state, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

export function sendProblem(response: ServerResponse, status: number, code: string, headers = {}): true {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ code, title: code, detail: `detail of ${code}`, status, retryable: false }));
  return true;
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): true {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
  return true;
}

type State = Omit<StandInServer, 'url' | 'close'>;

function answer(state: State, request: IncomingMessage, response: ServerResponse): true {
  const { method = '', headers } = request;
  const { pathname } = new URL(request.url ?? '', 'http://any');
  if (headers.authorization !== `Bearer ${state.token}`) return sendProblem(response, 401, 'unauthorized');
  if (pathname === '/v1/me') return sendJson(response, 200, { id: 'user-1', username: 'ann' });
  if (pathname === '/v1/uploads' && method === 'POST') return createUpload(state, request, response);
  if (pathname.startsWith('/v1/admin/')) return keepHouse(state, response);
  if (pathname === '/v1/me/telegram/link') return link(state, method, response);
  const id = pathname.split('/')[3] ?? '';
  if (pathname === `/v1/videos/${id}/status`) {
    const [first, ...rest] = state.videoStates;
    if (rest.length > 0) state.videoStates = rest;
    return sendJson(response, 200, { id, ...first });
  }
  const upload = state.uploads.get(id);
  if (!upload) return sendProblem(response, 404, 'not_found');
  if (method === 'GET') return sendJson(response, 200, viewOf(upload));
  const tus = { 'Tus-Resumable': '1.0.0', 'Upload-Offset': String(sizeOf(upload)) };
  if (method === 'HEAD') {
    response.writeHead(200, { ...tus, 'Upload-Length': String(upload.length) }).end();
    return true;
  }
  return appendBytes(upload, request, response);
}

const viewOf = (upload: StoredUpload) => ({
  id: upload.id,
  video_id: `video-of-${upload.id}`,
  state: sizeOf(upload) === upload.length ? 'complete' : 'open',
  offset: sizeOf(upload),
  length: upload.length,
  error: null,
});

function createUpload(state: State, request: IncomingMessage, response: ServerResponse): true {
  const pairs = String(request.headers['upload-metadata'] ?? '').split(',');
  const metadata = Object.fromEntries(
    pairs.map((pair) => {
      const [key = '', value = ''] = pair.split(' ');
      return [key, Buffer.from(value, 'base64').toString()];
    }),
  );
  const id = randomUUID();
  state.uploads.set(id, { id, length: Number(request.headers['upload-length']), bytes: [], metadata });
  // Where the server believes to be is not always where it was reached.
  response.writeHead(201, {
    location: `http://elsewhere.invalid/v1/uploads/${id}`,
    'Tus-Resumable': '1.0.0',
  });
  response.end();
  return true;
}

function appendBytes(upload: StoredUpload, request: IncomingMessage, response: ServerResponse): true {
  if (Number(request.headers['upload-offset']) !== sizeOf(upload)) {
    return sendProblem(response, 409, 'offset_conflict');
  }
  request.on('error', () => undefined);
  request.on('data', (piece: Buffer) => upload.bytes.push(piece));
  request.on('end', () => {
    response.writeHead(204, { 'Tus-Resumable': '1.0.0', 'Upload-Offset': String(sizeOf(upload)) }).end();
  });
  return true;
}

function link(state: State, method: string, response: ServerResponse): true {
  const offer = {
    code: 'CODE',
    url: 'https://t.me/a_bot?start=CODE',
    expires_at: '2026-11-21T10:10:00.000Z',
  };
  if (method === 'POST') return sendJson(response, 201, offer);
  const [first, ...rest] = state.linkStates;
  if (rest.length > 0) state.linkStates = rest;
  return sendJson(response, 200, { chat: null, error: null, linked_at: null, ...first });
}

function keepHouse({ housekeeping }: State, response: ServerResponse): true {
  if (housekeeping.polls <= 0) return sendJson(response, 200, housekeeping.report);
  housekeeping.polls -= 1;
  return sendJson(response, 202, {}, { location: '/v1/admin/housekeeping/1' });
}
