import pg from 'pg';
import { newId } from '../../src/db/ids.ts';
import type { EventType } from '../../src/domain/event.ts';
import { sendNoticesId } from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from './engine.ts';
import { type FakeTelegram, type ShownMessage, startFakeTelegram } from './fakes/telegram.ts';
import { uniqueName, waitFor } from './stack.ts';

export const BOT = '424242';

/** A test's engine whose worker speaks to a fake Telegram. */
export interface NoticeWorld {
  engine: TestEngine;
  fake: FakeTelegram;
  // biome-ignore lint/suspicious/noExplicitAny: rows of every shape
  sql(text: string, values?: unknown[]): Promise<any[]>;
  /** Users with a chat each, as quickly as a database makes them. */
  addUsers(count: number): Promise<{ id: string; chat: string }[]>;
  /** Something happens to a video, in the database alone. */
  tell(
    userId: string,
    type: EventType,
    video: { id: string; title?: string; status?: string },
  ): Promise<void>;
  /** Waits until what is shown in a chat is as wished. */
  untilShown(
    chat: string,
    isWished: (shown: ShownMessage[]) => boolean,
    timeoutMs?: number,
  ): Promise<ShownMessage[]>;
  startWorker(): ReturnType<TestEngine['startWorker']>;
  workflowId: string;
  close(): Promise<void>;
}

/** What a worker has to be told to speak to the fake. */
const settingsFor = (fake: FakeTelegram) => ({
  TELEGRAM_BASE_URL: fake.botApiUrl,
  TELEGRAM_BOT_TOKEN: fake.token,
});

export async function startNoticeWorld(settings: Record<string, string> = {}): Promise<NoticeWorld> {
  const fake = await startFakeTelegram();
  const WORKER_QUEUES = 'workflows,media,net,notify';
  const engine = await startTestEngine({ ...settingsFor(fake), WORKER_QUEUES, ...settings });
  const world = noticeWorldAt(engine, fake);
  return {
    ...world,
    close: async () => {
      await world.close();
      await engine.close();
    },
  };
}

/** The same around an engine that goes on when it is closed. */
export function noticeWorldAt(engine: TestEngine, fake: FakeTelegram): NoticeWorld {
  const pool = new pg.Pool({ connectionString: engine.config.DATABASE_URL, max: 4 });
  const sql: NoticeWorld['sql'] = async (text, values = []) => (await pool.query(text, values)).rows;
  let chats = 1000;
  return {
    engine,
    fake,
    sql,
    workflowId: sendNoticesId(BOT),
    startWorker: () =>
      engine.startWorker({ ...settingsFor(fake), WORKER_QUEUES: 'workflows,media,net,notify' }),
    addUsers: async (count) => {
      const users = Array.from({ length: count }, () => ({ id: newId(), chat: String(++chats) }));
      await sql(
        `insert into users (id, username, password_hash, scopes, time_zone, telegram_chat, notices, created_at)
         select (u->>'id')::uuid, $2 || (u->>'chat'), 'none', '{read,write}', 'UTC', u->>'chat', '{}', now()
         from jsonb_array_elements($1::jsonb) u`,
        [JSON.stringify(users), uniqueName('user')],
      );
      return users;
    },
    tell: async (userId, type, { id, title = 'A test', status = type.split('.')[1] }) => {
      await sql(
        `insert into events (id, user_id, type, object_type, object_id, video_id, data, created_at)
         values ($1, $2, $3, 'video', $4, $4, $5, now())`,
        [newId(), userId, type, id, JSON.stringify({ id, title, status, error: null })],
      );
    },
    untilShown: (chat, isWished, timeoutMs = 15_000) =>
      waitFor(
        () => {
          const shown = fake.world.shownIn(chat);
          return isWished(shown) ? shown : null;
        },
        { what: `messages in chat ${chat}`, timeoutMs },
      ),
    close: async () => {
      await pool.end();
      await fake.close();
    },
  };
}
