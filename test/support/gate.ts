import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** A way to a TCP server that can be shut: the network, as far as a client can tell. */
export interface Gate {
  port: number;
  /** Cuts what is open; new connections are refused at once. */
  shut(): void;
  open(): void;
  /** How much went in to the server so far. */
  bytesIn(): number;
  close(): Promise<void>;
}

export interface GateOptions {
  host: string;
  port: number;
  /** How fast each connection may send to the server; as fast as it goes without it. */
  bytesPerSec?: number;
}

/** Opens a gate in front of a server. */
export async function openGate(target: GateOptions): Promise<Gate> {
  const { bytesPerSec = Number.POSITIVE_INFINITY } = target;
  const sockets = new Set<Socket>();
  let bytesIn = 0;
  const createPace = () =>
    new Transform({
      transform: async (chunk: Buffer, _encoding, done) => {
        bytesIn += chunk.length;
        if (Number.isFinite(bytesPerSec)) await delay((chunk.length / bytesPerSec) * 1000);
        done(null, chunk);
      },
    });
  let isShut = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  };
  const server = createServer((client) => {
    if (isShut) {
      client.destroy();
      return;
    }
    const upstream = connect(target.port, target.host);
    for (const socket of [client, upstream]) keep(socket);
    client.pipe(createPace()).pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    shut: () => {
      isShut = true;
      cut();
    },
    open: () => {
      isShut = false;
    },
    bytesIn: () => bytesIn,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
