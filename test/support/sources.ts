import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

/** A server that videos are fetched from, as good or bad as its handler. */
export interface Source {
  url: string;
  port: number;
  /** The requests so far. */
  requests: IncomingMessage[];
  close(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => unknown;

/** Serves what the handler says on an address of this machine. */
export async function startSource(
  handler: Handler,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<Source> {
  const requests: IncomingMessage[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push(request);
    response.on('error', () => {});
    handler(request, response, requests.length);
  };
  const server = createServer({ keepAlive: false }, listener);
  const listening = await listenOn(server, host, port);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening.port}`,
    port: listening.port,
    requests,
    close: listening.close,
  };
}

/** A server below HTTP: gets the connection when the whole head of a request is here. */
export async function startRawSource(answer: (socket: Socket, head: string) => unknown): Promise<Source> {
  const server = createTcpServer((socket) => {
    let head = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const wasWhole = head.includes('\r\n\r\n');
      head += bytes.toString('latin1');
      if (!wasWhole && head.includes('\r\n\r\n')) answer(socket, head);
    });
  });
  const { port, close } = await listenOn(server, '127.0.0.1', 0);
  return { url: `http://127.0.0.1:${port}`, port, requests: [], close };
}

/** Ears on addresses of this machine that nobody may ever connect to. */
export interface Canary {
  hits: number;
  /** Where it listens. */
  places: { host: string; port: number }[];
  close(): Promise<void>;
}

/** Listens at the given ports of the loopback and, if there is one, of another address; what is taken is left out. */
export async function startCanary(ports: readonly number[]): Promise<Canary> {
  const canary: Canary = { hits: 0, places: [], close: async () => {} };
  const others = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const other = others.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  const servers: { close(): Promise<void> }[] = [];
  for (const host of ['127.0.0.1', '::1', ...(other ? [other] : [])]) {
    for (const port of ports) {
      const server = createTcpServer((socket) => {
        canary.hits += 1;
        socket.on('error', () => {});
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary');
      });
      const listening = await listenOn(server, host, port).catch(() => null);
      if (!listening) continue;
      servers.push(listening);
      canary.places.push({ host, port: listening.port });
    }
  }
  canary.close = async () => {
    await Promise.all(servers.map((server) => server.close()));
  };
  return canary;
}

async function listenOn(server: Server, host: string, port: number) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What the wrong and the right ways to answer a `Range` share: the first byte that is asked for. */
export const rangeStart = (request: IncomingMessage): number | null => {
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  return start === undefined ? null : Number(start);
};

/** Serves bytes as a good server does, with ranges; cuts the connection after so many bytes, request by request. */
export function serveFile(
  bytes: Buffer,
  { cutsAfter = [], etag = '"v1"' as string | null }: { cutsAfter?: number[]; etag?: string | null } = {},
): Handler {
  return (request, response, count) => {
    const asked = etag !== null && request.headers['if-range'] === etag ? rangeStart(request) : null;
    const start = asked ?? 0;
    response.writeHead(asked === null ? 200 : 206, {
      'Content-Type': 'video/mp4',
      'Content-Length': bytes.length - start,
      'Accept-Ranges': 'bytes',
      ...(etag === null ? {} : { ETag: etag }),
      ...(asked === null ? {} : { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    const cut = cutsAfter[count - 1];
    if (cut === undefined) return response.end(bytes.subarray(start));
    return response.write(bytes.subarray(start, start + cut), () => request.socket.destroy());
  };
}
