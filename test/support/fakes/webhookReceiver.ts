import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { type Arrival, Hooks, type HooksOptions } from './hooks.ts';
import type { HookBehaviour } from './hookTrouble.ts';

export interface ReceiverOptions extends HooksOptions {
  /** A free one when left out. */
  port?: number;
  /** `https` with this certificate, which nobody trusts unless told to; see `certificates.ts`. */
  tls?: { key: Buffer; cert: Buffer };
}

/**
 * Somebody's server that webhooks are delivered to: it remembers what came, whatever the path, and can misbehave,
 * path by path (`hookTrouble.ts` has the ways). It listens on the loopback, so that a way out that is to reach it
 * has to be allowed to.
 */
export interface WebhookReceiver {
  readonly port: number;
  /** Where a path of it is. */
  url(path: string): string;
  readonly arrivals: readonly Arrival[];
  /** What came to a path, in order. */
  at(path: string): Arrival[];
  /** How many connections were made, with or without a request. */
  connections(): number;
  /** Behaviours for the next requests to a path, one each, before any rule. */
  behave(path: string, ...next: HookBehaviour[]): void;
  /** How every request is answered that no script has anything for; the latest rule counts, undefined is `well`. */
  behaveBy(rule: (arrival: Arrival) => HookBehaviour | undefined): void;
  /** Nobody listens any more, and what is open is cut: connections are refused. */
  goDown(): Promise<void>;
  /** Listens again at the same port. */
  comeBack(): Promise<void>;
  /** Forgets arrivals, scripts, rule and connections. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a receiver on this machine's own address. */
export async function startWebhookReceiver(options: ReceiverOptions = {}): Promise<WebhookReceiver> {
  const hooks = new Hooks(options);
  const door = new Door(hooks, options);
  await door.open(options.port ?? 0);
  const { port } = door;
  return {
    port,
    url: (path) => `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}${path}`,
    arrivals: hooks.arrivals,
    at: (path) => hooks.at(path),
    connections: () => door.connections,
    behave: (path, ...next) => hooks.behave(path, ...next),
    behaveBy: (rule) => {
      hooks.rule = rule;
    },
    goDown: () => door.shut(),
    comeBack: () => door.open(port),
    reset: () => {
      hooks.reset();
      door.connections = 0;
    },
    close: () => door.shut(),
  };
}

/** A server that can be shut and opened again; a closed one of Node's cannot. */
class Door {
  port = 0;
  connections = 0;
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();
  private readonly hooks: Hooks;
  private readonly tls: ReceiverOptions['tls'];

  constructor(hooks: Hooks, { tls }: ReceiverOptions) {
    this.hooks = hooks;
    this.tls = tls;
  }

  async open(port: number): Promise<void> {
    const serve: Parameters<typeof createServer>[1] = (request, response) => {
      this.hooks.serve(request, response).catch(() => response.destroy());
    };
    const server: Server = this.tls ? createSecureServer(this.tls, serve) : createServer(serve);
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1', 4096);
    await once(server, 'listening');
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  async shut(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = null;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
