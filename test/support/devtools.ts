import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMark, waitFor } from './stack.ts';

/** What a tab did, as the browser tells it. */
export interface Watched {
  /** Every address that was asked for, with the answer's status once it is there. */
  requests: { url: string; status: number | null }[];
  /** Errors of scripts, and what the browser itself complains of, such as a violated policy; but for failed requests. */
  complaints: string[];
}

export interface Tab extends Watched {
  /** Evaluates an expression, or waits for its promise. */
  evaluate<T>(expression: string): Promise<T>;
  /** Waits until an expression is true. */
  until(expression: string, timeoutMs?: number): Promise<void>;
  /** Presses a key as the keyboard does: `k`, ` `, `ArrowLeft`, `Tab` … */
  press(key: string): Promise<void>;
  /** Moves the mouse to a share of an element's width and height. */
  hover(selector: string, x?: number, y?: number): Promise<void>;
  click(selector: string, x?: number, y?: number): Promise<void>;
  /** Presses at one place, moves to another, and lets go there unless told to `hold`. */
  drag(selector: string, fromX: number, toX: number, options?: { hold?: boolean }): Promise<void>;
  /** Touches with a finger. */
  tap(selector: string, x?: number, y?: number): Promise<void>;
  /** Gives a PNG of the tab, or of one element. */
  screenshot(selector?: string): Promise<Buffer>;
  /** Answers some paths itself from now on. */
  intercept(answers: Record<string, CannedAnswer>): Promise<void>;
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface CannedAnswer {
  body: string;
  headers: Record<string, string>;
}

export interface TabOptions {
  width?: number;
  height?: number;
  isPhone?: boolean;
  /** CSS media features, such as `prefers-color-scheme: dark`. */
  features?: Record<string, string>;
  /** Runs before the page's own scripts. */
  script?: string;
  isScriptless?: boolean;
}

export interface Browser {
  open(url: string, options?: TabOptions): Promise<Tab>;
  close(): Promise<void>;
}

type Message = {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
};

/** Starts a browser without a screen, steered by the Chrome DevTools protocol. */
export async function startBrowser(executable: string): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'vf-browser-'));
  const child = spawn(
    executable,
    [
      // A browser of root has no sandbox; it sees nothing but our own pages.
      ...[
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--no-first-run',
        '--mute-audio',
      ],
      ...['--disable-extensions', '--disable-background-networking', '--remote-debugging-port=0'],
      // With a mouse, which a machine without a screen does not have.
      '--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4',
      ...[`--user-data-dir=${profile}`, 'about:blank'],
    ],
    { stdio: 'ignore', detached: true, env: { PATH: process.env.PATH, ...runMark(), HOME: profile } },
  );
  const kill = () => killGroup(child, profile);
  try {
    const address = await waitFor(
      async () => {
        if (child.exitCode !== null) throw new Error(`the browser ended with ${child.exitCode}`);
        const text = await readFile(join(profile, 'DevToolsActivePort'), 'utf8').catch(() => '');
        const [port, path] = text.split('\n');
        return path ? `ws://127.0.0.1:${port}${path}` : null;
      },
      { what: 'the browser to listen', timeoutMs: 30_000 },
    );
    const wire = await connect(address);
    return {
      open: (url, options = {}) => openTab(wire, url, options),
      close: async () => {
        wire.close();
        await kill();
      },
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

async function killGroup(child: ChildProcess, profile: string): Promise<void> {
  // Its children, too: they are a group of their own.
  if (child.pid && child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}

/** One connection for all tabs. */
async function connect(address: string) {
  const socket = new WebSocket(address);
  await once(socket, 'open');
  const waiting = new Map<number, (message: Message) => void>();
  const events = new EventEmitter().setMaxListeners(0);
  let calls = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    else events.emit(message.sessionId ?? '', message);
  });
  return {
    events,
    send: async (method: string, params: object = {}, sessionId?: string) => {
      calls += 1;
      const id = calls;
      const { promise, resolve } = Promise.withResolvers<Message>();
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) }));
      const { result = {}, error } = await promise;
      waiting.delete(id);
      if (error) throw new Error(`${method}: ${error.message}`);
      return result;
    },
    close: () => socket.close(),
  };
}
type Wire = Awaited<ReturnType<typeof connect>>;

/** Opens a page in a tab that shares nothing with others. */
async function openTab(wire: Wire, url: string, options: TabOptions): Promise<Tab> {
  const { browserContextId } = await wire.send('Target.createBrowserContext');
  const { targetId } = await wire.send('Target.createTarget', { url: 'about:blank', browserContextId });
  const { sessionId } = await wire.send('Target.attachToTarget', { targetId, flatten: true });
  const send: Tab['send'] = (method, params) => wire.send(method, params, String(sessionId));
  const watched: Watched = { requests: [], complaints: [] };
  wire.events.on(String(sessionId), (message: Message) => watch(watched, message));
  for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await send(`${domain}.enable`);
  await prepare(send, options);
  await send('Page.navigate', { url });
  const evaluate = createEvaluate(send);
  await waitFor(
    () => evaluate<boolean>('location.href !== "about:blank" && document.readyState === "complete"'),
    {
      what: `${url} to load`,
      timeoutMs: 15_000,
    },
  );
  return {
    ...watched,
    ...createHands(send, evaluate),
    evaluate,
    until: async (expression, timeoutMs = 10_000) => {
      await waitFor(() => evaluate<boolean>(`Boolean(${expression})`), { what: expression, timeoutMs });
    },
    screenshot: async (selector) => {
      const clip = selector === undefined ? undefined : { ...(await boxOf(evaluate, selector)), scale: 1 };
      const { data } = await send('Page.captureScreenshot', clip ? { clip } : {});
      return Buffer.from(String(data), 'base64');
    },
    intercept: async (answers) => {
      wire.events.on(String(sessionId), ({ method, params }: Message) => {
        if (method === 'Fetch.requestPaused') void fulfill(send, answers, params as unknown as PausedRequest);
      });
      await send('Fetch.enable', {
        patterns: Object.keys(answers).map((path) => ({ urlPattern: `*${path}` })),
      });
    },
    send,
    close: async () => {
      await wire.send('Target.disposeBrowserContext', { browserContextId });
    },
  };
}

async function prepare(send: Tab['send'], options: TabOptions): Promise<void> {
  const { width = 960, height = 640, isPhone = false, features = {}, script, isScriptless = false } = options;
  const deviceScaleFactor = isPhone ? 2 : 1;
  await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor, mobile: isPhone });
  if (isPhone) await send('Emulation.setTouchEmulationEnabled', { enabled: true });
  await send('Emulation.setEmulatedMedia', {
    features: Object.entries(features).map(([name, value]) => ({ name, value })),
  });
  if (script) await send('Page.addScriptToEvaluateOnNewDocument', { source: script });
  if (isScriptless) await send('Emulation.setScriptExecutionDisabled', { value: true });
}

interface PausedRequest {
  requestId: string;
  request: { url: string };
}

async function fulfill(
  send: Tab['send'],
  answers: Record<string, CannedAnswer>,
  { requestId, request }: PausedRequest,
): Promise<void> {
  const answer = answers[new URL(request.url).pathname];
  if (!answer) return void (await send('Fetch.continueRequest', { requestId }));
  await send('Fetch.fulfillRequest', {
    requestId,
    responseCode: 200,
    responseHeaders: Object.entries(answer.headers).map(([name, value]) => ({ name, value })),
    body: Buffer.from(answer.body).toString('base64'),
  });
}

function watch({ requests, complaints }: Watched, { method, params = {} }: Message): void {
  // biome-ignore lint/suspicious/noExplicitAny: events of every shape
  const event = params as any;
  if (method === 'Network.requestWillBeSent') requests.push({ url: event.request.url, status: null });
  if (method === 'Network.responseReceived') {
    const asked = requests.findLast(({ url, status }) => url === event.response.url && status === null);
    if (asked) asked.status = event.response.status;
  }
  if (method === 'Log.entryAdded' && event.entry.source !== 'network') complaints.push(event.entry.text);
  if (method === 'Runtime.exceptionThrown')
    complaints.push(event.exceptionDetails.exception?.description ?? event.exceptionDetails.text);
  if (method === 'Runtime.consoleAPICalled' && ['error', 'warning'].includes(event.type))
    complaints.push(event.args.map((arg: { value?: unknown }) => String(arg.value)).join(' '));
}

const createEvaluate =
  (send: Tab['send']) =>
  async <T>(expression: string): Promise<T> => {
    const answer = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    const { result, exceptionDetails } = answer as {
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
type Evaluate = ReturnType<typeof createEvaluate>;

const boxOf = (evaluate: Evaluate, selector: string) =>
  evaluate<{ x: number; y: number; width: number; height: number }>(
    `(({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect())`,
  );

/** What the protocol wants to know of a key beside its name. */
const KEY_CODES: Readonly<Record<string, number>> = {
  ' ': 32,
  Tab: 9,
  Enter: 13,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
};

function createHands(send: Tab['send'], evaluate: Evaluate) {
  const placeIn = async (selector: string, x: number, y: number) => {
    const box = await boxOf(evaluate, selector);
    return { x: box.x + x * box.width, y: box.y + y * box.height };
  };
  const mouse = (type: string, at: { x: number; y: number }, isDown = false) =>
    send('Input.dispatchMouseEvent', {
      type,
      ...at,
      clickCount: 1,
      ...(type === 'mouseMoved' && !isDown ? {} : { button: 'left', buttons: isDown ? 1 : 0 }),
    });
  return {
    press: async (key: string) => {
      const text = key.length === 1 ? { text: key } : {};
      const code = KEY_CODES[key] ?? key.toUpperCase().charCodeAt(0);
      const facts = { key, windowsVirtualKeyCode: code, ...text };
      await send('Input.dispatchKeyEvent', { type: key.length === 1 ? 'keyDown' : 'rawKeyDown', ...facts });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...facts });
    },
    hover: async (selector: string, x = 0.5, y = 0.5) => {
      await mouse('mouseMoved', await placeIn(selector, x, y));
    },
    click: async (selector: string, x = 0.5, y = 0.5) => {
      const at = await placeIn(selector, x, y);
      await mouse('mouseMoved', at);
      await mouse('mousePressed', at, true);
      await mouse('mouseReleased', at);
    },
    drag: async (selector: string, fromX: number, toX: number, { hold = false } = {}) => {
      const [from, to] = [await placeIn(selector, fromX, 0.5), await placeIn(selector, toX, 0.5)];
      await mouse('mouseMoved', from);
      await mouse('mousePressed', from, true);
      await mouse('mouseMoved', { x: (from.x + to.x) / 2, y: from.y }, true);
      await mouse('mouseMoved', to, true);
      if (!hold) await mouse('mouseReleased', to);
    },
    tap: async (selector: string, x = 0.5, y = 0.5) => {
      const at = await placeIn(selector, x, y);
      await send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
      await send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    },
  };
}
