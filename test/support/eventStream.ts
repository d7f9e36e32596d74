import { EventEmitter, once } from 'node:events';

/** One event of a stream, as the specification of server-sent events has it. */
export interface StreamEvent {
  /** The stream's last id; what a reader asks for next. An event without one of its own has that of those before it. */
  lastId: string;
  /** Whether the event had an id of its own. */
  hasId: boolean;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: data of every shape
  data: any;
  /** When it was here whole, as `Date.now()` tells it. */
  at: number;
}

export interface EventStream {
  status: number;
  headers: Headers;
  events: StreamEvent[];
  /** Those with an id: what happened. The others tell of progress. */
  told(): StreamEvent[];
  /** Lines that say nothing but that somebody is there. */
  heartbeats(): number;
  /** Waits until an event is here that this is true of. */
  until(isIt: (event: StreamEvent) => boolean, timeoutMs?: number): Promise<StreamEvent>;
  /** Settles when the stream has ended; with true when the server ended it in order. */
  ended: Promise<boolean>;
  close(): void;
}

/**
 * Reads events over `fetch`, as a browser with a token does.
 *
 * @param after sent as `Last-Event-ID` unless it is undefined
 */
export async function openEventStream(
  url: string,
  { token, after, headers = {} }: { token: string; after?: string; headers?: Record<string, string> },
): Promise<EventStream> {
  const abort = new AbortController();
  const response = await fetch(url, {
    signal: abort.signal,
    headers: {
      ...{ accept: 'text/event-stream', authorization: `Bearer ${token}`, ...headers },
      ...(after !== undefined && { 'last-event-id': after }),
    },
  });
  if (!/^text\/event-stream/.test(response.headers.get('content-type') ?? ''))
    throw new Error(`${response.status} and no stream: ${await response.text()}`);
  const reader = new StreamReader();
  const ended = reader.readAll(response);
  return {
    status: response.status,
    headers: response.headers,
    events: reader.events,
    told: () => reader.events.filter(({ hasId }) => hasId),
    heartbeats: () => reader.heartbeats,
    until: (isIt, timeoutMs = 10_000) => reader.until(isIt, timeoutMs),
    ended,
    close: () => abort.abort(),
  };
}

class StreamReader {
  readonly events: StreamEvent[] = [];
  heartbeats = 0;
  private readonly news = new EventEmitter().setMaxListeners(0);
  private lastId = '';
  private hasId = false;
  private type = '';
  private data: string[] = [];

  async readAll(response: Response): Promise<boolean> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const bytes of response.body ?? []) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.takeLine(line.replace(/\r$/, ''));
      }
      return true;
    } catch {
      return false;
    } finally {
      this.news.emit('news');
    }
  }

  async until(isIt: (event: StreamEvent) => boolean, timeoutMs: number): Promise<StreamEvent> {
    const late = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = this.events.find(isIt);
      if (found) return found;
      await once(this.news, 'news', { signal: late }).catch(() => {
        const types = this.events.map(({ type }) => type).join(' ');
        throw new Error(`Waited ${timeoutMs} ms in vain for an event; there were: ${types}`);
      });
    }
  }

  private takeLine(line: string): void {
    // `s`: without it the dot stops at U+2028, which ends no line here.
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (line === '') this.dispatch();
    else if (line.startsWith(':')) this.heartbeats += 1;
    else if (field === 'data') this.data.push(value);
    else if (field === 'event') this.type = value;
    else if (field === 'id') {
      this.lastId = value;
      this.hasId = true;
    }
  }

  private dispatch(): void {
    const { lastId, hasId, type, data } = this;
    this.type = '';
    this.data = [];
    this.hasId = false;
    if (data.length === 0) return;
    const parsed: unknown = JSON.parse(data.join('\n'));
    this.events.push({ lastId, hasId, type: type || 'message', data: parsed, at: Date.now() });
    this.news.emit('news');
  }
}
