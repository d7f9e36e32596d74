import { setTimeout as delay } from 'node:timers/promises';
import type { Received } from './receive.ts';
import {
  type FakeAnswer,
  type FakeOptions,
  type FakeRoute,
  type Fakes,
  type RecordedRequest,
  startFakes,
} from './server.ts';
import { parseTelegramHtml } from './telegramHtml.ts';
import { botRefusal } from './telegramTrouble.ts';

export const FAKE_BOT_TOKEN = '424242:fake-token-of-a-bot_for-tests-AAAAAA';
export const FAKE_BOT_USERNAME = 'videoflow_test_bot';
const MAX_CHARS = 4096;

/** A message of the bot as people see it. */
export interface ShownMessage {
  chat: string;
  id: number;
  text: string;
  /** Every text that it has had, the present one last. */
  texts: string[];
  tags: string[];
}

interface Update {
  update_id: number;
  [kind: string]: unknown;
}

interface Body {
  chat_id?: string | number;
  message_id?: number;
  text?: string;
  parse_mode?: string;
  offset?: number;
  limit?: number;
  timeout?: number;
  [field: string]: unknown;
}

/** Every field that is expected; a real server takes more, here they are a mistake of ours. */
const FIELDS: Record<string, string[]> = {
  getMe: [],
  sendMessage: ['chat_id', 'text', 'parse_mode', 'link_preview_options', 'disable_notification'],
  editMessageText: ['chat_id', 'message_id', 'text', 'parse_mode', 'link_preview_options'],
  getUpdates: ['offset', 'limit', 'timeout', 'allowed_updates'],
};

const well = (result: unknown): FakeAnswer => ({ status: 200, body: { ok: true, result } });
const bad = (description: string): FakeAnswer => botRefusal(400, `Bad Request: ${description}`);

/** One bot's side of the Bot API: chats that take messages, and people who write to it. */
export class TelegramWorld {
  readonly messages: ShownMessage[] = [];
  /** Nobody has ever written from there; every other chat takes messages. */
  readonly unknownChats = new Set<string>();
  private readonly updates: Update[] = [];
  private nextMessage = 1;
  private nextUpdate = 700_001;
  private poll = new AbortController();
  private arrived = Promise.withResolvers<void>();

  /** What a chat shows, in order. */
  shownIn(chat: string | number): ShownMessage[] {
    return this.messages.filter((message) => message.chat === String(chat));
  }

  /** Somebody writes; negative ids are groups, and those that begin with -100 channels when asked for. */
  write(chat: number, text: string, { isChannel = false, agoSec = 0 } = {}): void {
    const type = isChannel ? 'channel' : chat < 0 ? 'supergroup' : 'private';
    const date = Math.floor(Date.now() / 1000) - agoSec;
    const message = { message_id: this.nextMessage++, chat: { id: chat, type }, date, text };
    this.updates.push({ update_id: this.nextUpdate++, [isChannel ? 'channel_post' : 'message']: message });
    this.arrived.resolve();
  }

  /** How many of those messages the bot has not confirmed. */
  unread(): number {
    return this.updates.length;
  }

  /** Somebody deletes a message of the bot. */
  delete(message: ShownMessage): void {
    this.messages.splice(this.messages.indexOf(message), 1);
  }

  sendMessage({ chat_id, text = '', parse_mode }: Body): FakeAnswer {
    const chat = String(chat_id ?? '');
    if (!/^(-?\d+|@\w+)$/.test(chat) || this.unknownChats.has(chat)) return bad('chat not found');
    const read = readText(text, parse_mode);
    if ('status' in read) return read;
    const message: ShownMessage = { chat, id: this.nextMessage++, ...read, texts: [read.text] };
    this.messages.push(message);
    return well(viewOf(message));
  }

  editMessageText({ chat_id, message_id, text = '', parse_mode }: Body): FakeAnswer {
    const message = this.messages.find(({ chat, id }) => chat === String(chat_id) && id === message_id);
    if (!message) return bad('message to edit not found');
    const read = readText(text, parse_mode);
    if ('status' in read) return read;
    if (read.text === message.text) return bad('message is not modified: specified new message content');
    message.texts.push(read.text);
    Object.assign(message, read);
    return well(viewOf(message));
  }

  async getUpdates({ offset = 0, limit = 100, timeout = 0 }: Body): Promise<FakeAnswer> {
    this.poll.abort();
    this.poll = new AbortController();
    const { signal } = this.poll;
    while (this.updates[0] && this.updates[0].update_id < offset) this.updates.shift();
    if (this.updates.length === 0 && timeout > 0) {
      this.arrived = Promise.withResolvers();
      const ended = delay(timeout * 1000, undefined, { signal, ref: false }).catch(() => undefined);
      await Promise.race([this.arrived.promise, ended]);
    }
    if (signal.aborted)
      return botRefusal(
        409,
        'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
      );
    return well(this.updates.filter(({ update_id }) => update_id >= offset).slice(0, limit));
  }

  getMe(): FakeAnswer {
    const [id] = FAKE_BOT_TOKEN.split(':');
    return well({ id: Number(id), is_bot: true, first_name: 'videoflow', username: FAKE_BOT_USERNAME });
  }
}

function readText(html: string, parseMode: string | undefined) {
  if (parseMode !== 'HTML') return bad('unsupported parse_mode');
  try {
    const { text, tags } = parseTelegramHtml(html);
    if (text.trim() === '') return bad('message text is empty');
    if (text.length > MAX_CHARS) return bad('message is too long');
    return { text, tags };
  } catch (error) {
    return bad(`can't parse entities: ${(error as Error).message}`);
  }
}

const viewOf = ({ chat, id, text }: ShownMessage) => ({
  ...{ message_id: id, date: Math.floor(Date.now() / 1000), text },
  chat: { id: Number(chat), type: chat.startsWith('-') ? 'supergroup' : 'private' },
});

/** The routes of one bot; the key to them is a part of their address. */
export const createTelegramRoutes = (world: TelegramWorld, token = FAKE_BOT_TOKEN): FakeRoute[] =>
  Object.entries(FIELDS).map(([name, fields]) => ({
    method: 'POST',
    path: `/bot${token}/${name}`,
    refuseKey: null,
    answer: ({ json = {} }: Received) => {
      const body = json as Body;
      const unknown = Object.keys(body).filter((field) => !fields.includes(field));
      if (unknown.length > 0) return bad(`unknown fields: ${unknown.join(', ')}`);
      return world[name as 'sendMessage'](body);
    },
  }));

export interface FakeTelegram extends Fakes {
  world: TelegramWorld;
  /** As TELEGRAM_BASE_URL is. */
  botApiUrl: string;
  token: string;
  /** The requests of one method, in order. */
  asked(method: string): RecordedRequest[];
}

/** A Bot API with one bot, for tests. Its `requests` count; `behave` and `behaveBy` let it misbehave. */
export async function startFakeTelegram(options: Omit<FakeOptions, 'routes'> = {}): Promise<FakeTelegram> {
  const world = new TelegramWorld();
  const fakes = await startFakes({ ...options, routes: createTelegramRoutes(world) });
  return {
    ...fakes,
    world,
    botApiUrl: new URL(fakes.baseUrl).origin,
    token: FAKE_BOT_TOKEN,
    asked: (method) => fakes.requests.filter(({ path }) => path.endsWith(`/${method}`)),
  };
}
