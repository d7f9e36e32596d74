import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Behaviour, BY_NAME, switchProtocols } from './behaviours.ts';
import { CHAT_TROUBLE } from './chatTrouble.ts';
import { type Received, type ReceivedFile, receive } from './receive.ts';
import { TELEGRAM_TROUBLE } from './telegramTrouble.ts';

/*
 * The frame of all fakes: one HTTP server, a table of routes, behaviours, and a record of every request.
 *
 * A service is one FakeRoute (`openai.ts` has transcriptions, `chat.ts` chat completions): it checks what it
 * receives and answers well, or refuses in the words of the service it stands for. Everything that goes wrong on
 * purpose is a Behaviour and belongs to the frame, so that each route gets it for nothing. `main.ts` has the table
 * that `npm run fakes` starts.
 */

export interface FakeAnswer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export interface FakeRoute {
  method: 'GET' | 'POST';
  /** A segment that begins with a colon is any. */
  path: string;
  /** What its misbehaviour is asked for by, where that is not the last segment of the path. */
  service?: string;
  /** What a request without the right key is told, in the words of the service; null where the address is the key. */
  refuseKey: ((key: string) => FakeAnswer) | null;
  answer(received: Received): Promise<FakeAnswer> | FakeAnswer;
}

/** One request as tests count it. Times are those of `Date.now()`. */
export interface RecordedRequest {
  /** Counts all requests of the server, from 0. */
  index: number;
  method: string;
  path: string;
  key: string | null;
  fields: Record<string, string[]>;
  file: ReceivedFile | null;
  json: unknown;
  /** When the whole request was there, and when its answer was. */
  receivedAt: number;
  endedAt: number | null;
  /** What was answered; null while nothing is, and for an answer that never came. */
  status: number | null;
  behaviour: Behaviour['kind'];
  /** The client went away before the answer's end. */
  isAbandoned: boolean;
}

export interface FakeOptions {
  routes: FakeRoute[];
  /** A free one when left out. */
  port?: number;
  /** What every request has to carry as bearer. */
  apiKey?: string;
  onEnd?: (request: RecordedRequest) => void;
  /** Asked first with each request, whose body is unread; true from one that has taken it on. */
  mounts?: ((request: IncomingMessage, response: ServerResponse) => Promise<boolean>)[];
}

export interface Fakes {
  /** Without a slash at its end, as OPENAI_BASE_URL is: `http://127.0.0.1:8090/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly requests: RecordedRequest[];
  /** The most requests that were at work at the same time. */
  readonly mostAtOnce: () => number;
  /** Behaviours for the next requests, one each, before any rule. */
  behave(...next: Behaviour[]): void;
  /** How every request is answered that the queue has nothing for; the latest rule counts, undefined is `well`. */
  behaveBy(rule: (request: RecordedRequest) => Behaviour | undefined): void;
  /** Forgets requests, queue and rule. */
  reset(): void;
  close(): Promise<void>;
}

const WISHES: Record<string, Behaviour> = { ...BY_NAME, ...CHAT_TROUBLE, ...TELEGRAM_TROUBLE };
const WISHES_PATH = '/fakes/behave';
const FAKE_KEY = 'sk-fake-key-for-tests';

/** Starts a server with these routes on this machine's own address. */
export async function startFakes(options: FakeOptions): Promise<Fakes> {
  const frame = new Frame(options);
  const server = createServer((request, response) => {
    frame.serve(request, response).catch(() => response.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    apiKey: frame.apiKey,
    requests: frame.requests,
    mostAtOnce: () => frame.mostAtOnce,
    behave: (...next) => void frame.queue.push(...next),
    behaveBy: (rule) => {
      frame.rule = rule;
    },
    reset: () => frame.reset(),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

class Frame {
  readonly requests: RecordedRequest[] = [];
  readonly queue: Behaviour[] = [];
  /** The names that a person gave, by the address of a service: of two services nobody knows which is asked first. */
  readonly wishes = new Map<string, string[]>();
  readonly apiKey: string;
  rule: (request: RecordedRequest) => Behaviour | undefined = () => undefined;
  mostAtOnce = 0;
  private atWork = 0;
  private readonly options: FakeOptions;

  constructor(options: FakeOptions) {
    this.options = options;
    this.apiKey = options.apiKey ?? FAKE_KEY;
  }

  reset(): void {
    this.requests.length = 0;
    this.queue.length = 0;
    this.wishes.clear();
    this.rule = () => undefined;
    this.mostAtOnce = this.atWork;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const serve of this.options.mounts ?? []) if (await serve(request, response)) return;
    const received = await receive(request);
    if (received.path.startsWith(WISHES_PATH)) return this.takeWishes(received, response);
    const record = this.record(received, response);
    const route = this.findRoute(record);
    const wish = WISHES[(route && this.wishes.get(addressOf(route))?.shift()) ?? ''];
    const behaviour = wish ?? this.queue.shift() ?? this.rule(record) ?? { kind: 'well' };
    record.behaviour = behaviour.kind;
    await this.misbehave(behaviour, { received, record, response });
  }

  private async misbehave(behaviour: Behaviour, exchange: Exchange): Promise<void> {
    const { response } = exchange;
    const well = () => this.answerWell(exchange);
    switch (behaviour.kind) {
      case 'hang':
        return;
      case 'drop':
        return void response.socket?.destroy();
      case 'upgrading':
        return switchProtocols(response, behaviour.isKept);
      case 'answer':
        return send(exchange, behaviour);
      case 'slow':
        await delay(behaviour.ms);
        return send(exchange, await well());
      case 'alter': {
        const answer = await well();
        return send(exchange, { ...answer, body: behaviour.change(answer.body) });
      }
      case 'cut':
      case 'stall':
        return sendHalf(exchange, await well(), behaviour.kind);
      case 'well':
        return send(exchange, await well());
    }
  }

  private async answerWell({ received, record }: Exchange): Promise<FakeAnswer> {
    const route = this.findRoute(record);
    if (!route) {
      const message = `Invalid URL (${record.method} ${record.path})`;
      return {
        status: 404,
        body: { error: { message, type: 'invalid_request_error', param: null, code: null } },
      };
    }
    if (route.refuseKey && record.key !== this.apiKey) return route.refuseKey(record.key ?? '');
    return route.answer(received);
  }

  private findRoute({ method, path }: Pick<RecordedRequest, 'method' | 'path'>): FakeRoute | undefined {
    return this.options.routes.find((route) => route.method === method && matches(route.path, path));
  }

  private record(received: Received, response: ServerResponse): RecordedRequest {
    const { method, path, fields, file, json } = received;
    const record: RecordedRequest = {
      ...{ index: this.requests.length, method, path, fields, file, json },
      key: readKey(received),
      ...{ receivedAt: Date.now(), endedAt: null, status: null },
      ...{ behaviour: 'well', isAbandoned: false },
    };
    this.requests.push(record);
    this.atWork += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atWork);
    response.once('close', () => {
      this.atWork -= 1;
      record.endedAt = Date.now();
      record.isAbandoned = !response.writableFinished;
      this.options.onEnd?.(record);
    });
    return record;
  }

  /**
   * For a person at a terminal: a JSON list of names, one for each of the next requests of the service that the
   * address ends with. An empty list takes back what was asked for.
   */
  private takeWishes({ json, path }: Received, response: ServerResponse): void {
    const { routes } = this.options;
    const route = routes.find((each) => addressOf(each) === path);
    const names = Array.isArray(json) ? json.map(String) : ['not a list'];
    const isGood = route !== undefined && names.every((name) => WISHES[name] !== undefined);
    const next = names.length === 0 ? [] : [...(this.wishes.get(path) ?? []), ...names];
    if (isGood) this.wishes.set(path, next);
    const help = { addresses: [...new Set(routes.map(addressOf))], choose_from: Object.keys(WISHES) };
    response.writeHead(isGood ? 200 : 400, { 'content-type': 'application/json' });
    response.end(
      `${JSON.stringify({ ...(isGood && { next }), ...(next.length > 0 && isGood ? {} : help) })}\n`,
    );
  }
}

/** Where one asks a service to misbehave: `/fakes/behave/transcriptions`. */
const addressOf = ({ path, service }: FakeRoute): string =>
  `${WISHES_PATH}/${service ?? path.split('/').at(-1)}`;

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  const isWanted = (segment: string, index: number) => segment.startsWith(':') || segment === given[index];
  return wanted.length === given.length && wanted.every(isWanted);
}

/** In whichever header a service wants it. */
export const readKey = ({ headers }: Pick<Received, 'headers'>): string | null => {
  const authorization = /^(?:Bearer|Apikey) (.+)$/.exec(String(headers.authorization ?? ''))?.[1];
  return authorization ?? headers['flic-token']?.toString() ?? null;
};

interface Exchange {
  received: Received;
  record: RecordedRequest;
  response: ServerResponse;
}

const encode = (body: unknown): Buffer =>
  Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8');

const head = ({ headers = {} }: FakeAnswer, { record }: Exchange, sizeBytes: number) => ({
  'content-type': 'application/json',
  'content-length': sizeBytes,
  'x-request-id': `req_${record.index}`,
  ...headers,
});

function send(exchange: Exchange, answer: FakeAnswer): void {
  const { record, response } = exchange;
  const bytes = encode(answer.body);
  record.status = answer.status;
  response.writeHead(answer.status, head(answer, exchange, bytes.length));
  response.end(bytes);
}

function sendHalf(exchange: Exchange, answer: FakeAnswer, then: 'cut' | 'stall'): void {
  const { record, response } = exchange;
  const bytes = encode(answer.body);
  record.status = answer.status;
  response.writeHead(answer.status, head(answer, exchange, bytes.length));
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => {
    if (then === 'cut') response.socket?.destroy();
  });
}
