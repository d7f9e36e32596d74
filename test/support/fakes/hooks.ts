import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { switchProtocols } from './behaviours.ts';
import { HOOK_TROUBLE, type HookBehaviour } from './hookTrouble.ts';

/** One request as it came. Times are those of `Date.now()`. */
export interface Arrival {
  /** Counts all of a receiver, from 0. */
  index: number;
  method: string;
  /** Without the query. */
  path: string;
  /** As it stood in the request, with the query. */
  target: string;
  headers: Record<string, string | string[] | undefined>;
  /** The bytes that the signature is over. */
  body: Buffer;
  /** When the whole request was there, and when its answer was, or the connection ended. */
  receivedAt: number;
  endedAt: number | null;
  /** What was answered; null while nothing is, and for an answer that never came. */
  status: number | null;
  behaviour: HookBehaviour['kind'];
  /** The sender went away before the answer's end. */
  isAbandoned: boolean;
}

export interface HooksOptions {
  onEnd?: (arrival: Arrival) => void;
}

const LOOK_PATH = '/fakes/hooks';
const WISHES_PATH = '/fakes/behave/hooks';
const WELL = 204;
const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Takes what is sent to any path, remembers it, and answers as the path's script says. */
export class Hooks {
  readonly arrivals: Arrival[] = [];
  rule: (arrival: Arrival) => HookBehaviour | undefined = () => undefined;
  private readonly scripts = new Map<string, HookBehaviour[]>();
  private readonly options: HooksOptions;

  constructor(options: HooksOptions = {}) {
    this.options = options;
  }

  /** What came to a path, in order. */
  at(path: string): Arrival[] {
    return this.arrivals.filter((arrival) => arrival.path === path);
  }

  /** Behaviours for the next requests to a path, one each, before any rule. */
  behave(path: string, ...next: HookBehaviour[]): void {
    this.scripts.set(path, [...(this.scripts.get(path) ?? []), ...next]);
  }

  reset(): void {
    this.arrivals.length = 0;
    this.scripts.clear();
    this.rule = () => undefined;
  }

  /** @returns whether it was a request for this part of a server that has others, as that of `npm run fakes` */
  async serveMounted(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { pathname } = new URL(request.url ?? '/', 'http://fake');
    if (pathname === LOOK_PATH) this.show(request, response);
    else if (isBelow(pathname, WISHES_PATH)) await this.takeWishes(pathname, request, response);
    else if (isBelow(pathname, '/hooks')) await this.serve(request, response);
    else return false;
    return true;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrival = await this.remember(request, response);
    const behaviour = this.scripts.get(arrival.path)?.shift() ?? this.rule(arrival) ?? { kind: 'well' };
    arrival.behaviour = behaviour.kind;
    await answer(behaviour, arrival, response);
  }

  private async remember(request: IncomingMessage, response: ServerResponse): Promise<Arrival> {
    const target = request.url ?? '/';
    const body = await readBody(request);
    const arrival: Arrival = {
      ...{
        index: this.arrivals.length,
        method: request.method ?? '',
        target,
        headers: request.headers,
        body,
      },
      path: new URL(target, 'http://fake').pathname,
      ...{ receivedAt: Date.now(), endedAt: null, status: null, behaviour: 'well', isAbandoned: false },
    };
    this.arrivals.push(arrival);
    response.on('error', () => {});
    response.once('close', () => {
      arrival.endedAt = Date.now();
      arrival.isAbandoned = !response.writableFinished;
      this.options.onEnd?.(arrival);
    });
    return arrival;
  }

  /** For a person at a terminal: what came, the latest first; `DELETE` forgets it. */
  private show(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'DELETE') this.arrivals.length = 0;
    const told = this.arrivals.map(({ method, target, status, behaviour, headers, body, ...arrival }) => ({
      ...{ received_at: new Date(arrival.receivedAt).toISOString(), method, path: target, status, behaviour },
      took_ms: arrival.endedAt === null ? null : arrival.endedAt - arrival.receivedAt,
      ...{ is_abandoned: arrival.isAbandoned, headers, body: body.toString('utf8') },
    }));
    sayJson(response, 200, told.reverse());
  }

  /** As the frame's own, see `server.ts`: an empty list takes back what was asked for, and tells all names. */
  private async takeWishes(pathname: string, request: IncomingMessage, response: ServerResponse) {
    const path = pathname.slice('/fakes/behave'.length);
    const names = readNames((await readBody(request)).toString('utf8'));
    const next = names.map((name) => HOOK_TROUBLE[name]).filter((behaviour) => behaviour !== undefined);
    const isGood = next.length === names.length;
    if (isGood && next.length === 0) this.scripts.delete(path);
    if (isGood) this.behave(path, ...next);
    const help = names.length > 0 && isGood ? {} : { choose_from: Object.keys(HOOK_TROUBLE) };
    sayJson(response, isGood ? 200 : 400, { ...(isGood && { path, next: names }), ...help });
  }
}

const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

function readNames(text: string): string[] {
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) ? names.map(String) : ['not a list'];
  } catch {
    return ['not JSON'];
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function sayJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}

async function answer(behaviour: HookBehaviour, arrival: Arrival, response: ServerResponse): Promise<void> {
  const begin = (status: number, headers: Record<string, string | number> = {}) => {
    arrival.status = status;
    response.writeHead(status, { 'content-type': 'text/plain', ...headers });
  };
  switch (behaviour.kind) {
    case 'hang':
      return;
    case 'drop':
      return void response.socket?.destroy();
    case 'upgrading':
      return switchProtocols(response, behaviour.isKept);
    case 'slow':
      await delay(behaviour.ms);
      begin(WELL);
      return void response.end();
    case 'answer':
      begin(behaviour.status, behaviour.headers);
      return void response.end(
        typeof behaviour.body === 'string' ? behaviour.body : JSON.stringify(behaviour.body),
      );
    case 'echo':
      begin(behaviour.status);
      return void response.end(`${JSON.stringify(arrival.headers)}\n${arrival.body.toString('utf8')}`);
    case 'cut':
    case 'stall':
      begin(200, { 'content-length': 100 });
      response.write('half of the answer', () => {
        if (behaviour.kind === 'cut') response.socket?.destroy();
      });
      return;
    case 'giant':
      begin(behaviour.status, { 'content-length': behaviour.sizeBytes });
      return pour(response, behaviour.sizeBytes);
    case 'endless':
      begin(behaviour.status);
      return pour(response, Number.POSITIVE_INFINITY);
    case 'drip':
      begin(behaviour.status);
      return repeat(response, behaviour.everyMs, () => response.write('x'));
    case 'informing':
      return repeat(response, behaviour.everyMs, () => response.writeProcessing());
    case 'well':
      begin(WELL);
      return void response.end();
  }
}

async function pour(response: ServerResponse, sizeBytes: number): Promise<void> {
  for (let left = sizeBytes; left > 0 && !response.destroyed; left -= CHUNK.length) {
    const isTaken = response.write(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK);
    if (!isTaken) await new Promise<void>((resolve) => onceEither(response, resolve));
  }
  response.end();
}

function onceEither(response: ServerResponse, resolve: () => void): void {
  const go = () => {
    response.off('drain', go).off('close', go);
    resolve();
  };
  response.once('drain', go).once('close', go);
}

function repeat(response: ServerResponse, everyMs: number, say: () => void): void {
  say();
  const timer = setInterval(say, everyMs);
  response.once('close', () => clearInterval(timer));
}
