import type { EntityManager } from '@mikro-orm/postgresql';
import { NOTICED_TYPES, type NoticedEvent, type PlannedNotice, planNotices } from '../domain/notice.ts';
import { newId } from './ids.ts';

/** A notice that is to be sent, or a message to be changed, with what it is to say. */
export interface DueNotice {
  id: string;
  chat: string;
  /** Null before the first message. */
  messageId: number | null;
  attempts: number;
  eventId: string;
  /** Null when the event is no longer kept. */
  event: NoticedEvent | null;
}

/** How far the events of a user were looked through who wants to be told. */
interface NewsOfUser {
  userId: string;
  chat: string;
  switches: Record<string, boolean>;
  noticedSequence: number;
  lastSequence: number;
}

const USERS = 200;
const EVENTS = 1000;

/** Users with a chat whose events are not all looked through. */
const WITH_NEWS = `from users u join feeds f on f.user_id = u.id
  where u.telegram_chat is not null and u.telegram_off_reason is null and f.last_sequence > f.noticed_sequence`;

/** Somebody else looked further meanwhile: what is older must not take the place of what is newer. */
class OvertakenError extends Error {}

/** What Telegram is to tell, and has told: one notice for each object and chat. */
export class TelegramNoticeQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Says whether there is something to do for a bot: news, a notice that is due, somebody who waits to be linked. */
  async hasWork(bot: string): Promise<boolean> {
    const [row] = await this.#em.execute<{ has: boolean }[]>(
      `select exists (select ${WITH_NEWS})
        or exists (select from telegram_notices where bot = ? and next_attempt_at <= now())
        or exists (select from telegram_links where bot = ? and linked_at is null and expires_at > now()) as has`,
      [bot, bot],
    );
    return row?.has ?? false;
  }

  /** Says the same of news alone, while the bot may speak: what there is when it may again is found by itself. */
  async hasNews(bot: string): Promise<boolean> {
    const [row] = await this.#em.execute<{ has: boolean }[]>(
      `select exists (select ${WITH_NEWS})
        and not exists (select from telegram_bots where bot = ? and blocked_until > now()) as has`,
      [bot],
    );
    return row?.has ?? false;
  }

  /** Looks through the events of all users who want to be told, and keeps what is to be told of them. */
  async takeNews(bot: string): Promise<void> {
    for (;;) {
      const users = await this.#em.execute<NewsOfUser[]>(
        `select u.id as "userId", u.telegram_chat as chat, u.notices as switches,
           f.noticed_sequence::float8 as "noticedSequence", f.last_sequence::float8 as "lastSequence"
         ${WITH_NEWS} order by u.id limit ${USERS}`,
      );
      for (const user of users) await this.#takeNewsOf(bot, user);
      if (users.length === 0) return;
    }
  }

  async #takeNewsOf(bot: string, news: NewsOfUser): Promise<void> {
    const { userId, chat, noticedSequence, lastSequence } = news;
    const until = Math.min(lastSequence, noticedSequence + EVENTS);
    const work = this.#em.transactional(async (tx) => {
      // First, as in all that changes a chat; and it stays the user's until this is kept.
      const [user] = await tx.execute<object[]>(
        'select from users where id = ? and telegram_chat = ? and telegram_off_reason is null for share',
        [userId, chat],
      );
      if (!user) return;
      const events = await tx.execute<NoticedEvent[]>(
        `select e.id, e.type, e.object_type as "objectType", e.object_id as "objectId", e.data from events e
         where e.user_id = ? and e.sequence > ? and e.sequence <= ? and e.type in (?)
           and e.created_at >= coalesce((select created_at from telegram_bots where bot = ?), now())
         order by e.sequence`,
        [userId, noticedSequence, until, [...NOTICED_TYPES], bot],
      );
      for (const notice of planNotices(events, news.switches)) await keep(tx, { bot, ...news }, notice);
      // Last, since it holds up whatever happens to the user meanwhile.
      const moved = await tx.execute<object[]>(
        `update feeds set noticed_sequence = ? where user_id = ? and noticed_sequence = ? returning user_id`,
        [until, userId, noticedSequence],
      );
      if (moved.length === 0) throw new OvertakenError();
    });
    await work.catch((error: unknown) => {
      if (!(error instanceof OvertakenError)) throw error;
    });
  }

  /** What is due now, one for each chat, those that have waited longest first; without some chats. */
  async listDue(
    bot: string,
    { limit, exceptChats }: { limit: number; exceptChats: string[] },
  ): Promise<DueNotice[]> {
    const rows = await this.#em.execute<(Omit<DueNotice, 'event'> & { event: NoticedEvent | null })[]>(
      `select n.id, n.chat, n.message_id::float8 as "messageId", n.attempts, n.event_id as "eventId",
         case when e.id is not null then jsonb_build_object('id', e.id, 'type', e.type, 'objectType', e.object_type,
           'objectId', e.object_id, 'data', e.data) end as event
       from (select distinct on (chat) * from telegram_notices
             where bot = ? and next_attempt_at <= now()
               and chat not in (select jsonb_array_elements_text(?::jsonb))
             order by chat, next_attempt_at, id) n
       left join events e on e.id = n.event_id
       order by n.next_attempt_at, n.id limit ?`,
      [bot, JSON.stringify(exceptChats), limit],
    );
    return rows;
  }

  /** When the next notice is due; null when none is. */
  async nextDueAt(bot: string): Promise<Date | null> {
    const [row] = await this.#em.execute<{ at: string | null }[]>(
      'select min(next_attempt_at) as at from telegram_notices where bot = ?',
      [bot],
    );
    return row?.at ? new Date(row.at) : null;
  }

  /** Keeps that a message says what an event says. What has happened since is due at once. */
  noteSent({ id, eventId }: DueNotice, messageId: number | null): Promise<void> {
    return this.#change(
      id,
      `message_id = coalesce(?::bigint, message_id), sent_event_id = ?::uuid, attempts = 0, error_code = null,
       next_attempt_at = case when event_id = ?::uuid then null else now() end`,
      [messageId, eventId, eventId],
    );
  }

  /** Keeps that the message is gone: it is sent anew, or not at all any more. */
  noteGone({ id, eventId }: DueNotice, isToSendAnew: boolean): Promise<void> {
    return this.#change(
      id,
      'message_id = null, next_attempt_at = case when ?::boolean or event_id <> ?::uuid then now() end',
      [isToSendAnew, eventId],
    );
  }

  /** Keeps why it was not sent, and when to try again. */
  noteTrouble({ id }: DueNotice, errorCode: string, nextAttemptAt: Date): Promise<void> {
    return this.#change(id, 'attempts = attempts + 1, error_code = ?, next_attempt_at = ?::timestamptz', [
      errorCode,
      nextAttemptAt,
    ]);
  }

  /** Has it wait without counting that against it. */
  postpone({ id }: DueNotice, until: Date): Promise<void> {
    return this.#change(id, 'next_attempt_at = ?::timestamptz', [until]);
  }

  /** Keeps that this event is not told; the next one of the object may be. */
  drop({ id, eventId }: DueNotice, errorCode: string | null): Promise<void> {
    return this.#change(
      id,
      `attempts = 0, error_code = ?::text,
       next_attempt_at = case when event_id = ?::uuid then null else now() end`,
      [errorCode, eventId],
    );
  }

  /** A notice that was ended meanwhile, since its chat was, stays so. */
  async #change(id: string, columns: string, parameters: unknown[]): Promise<void> {
    await this.#em.execute(
      `update telegram_notices set ${columns}, updated_at = now() where id = ? and next_attempt_at is not null`,
      [...parameters, id],
    );
  }
}

/** Where a notice goes: a chat that is not necessarily its user's. */
interface Receiver {
  bot: string;
  userId: string;
  chat: string;
}

/** Makes, or renews, the one notice of an object in a chat. */
async function keep(
  tx: EntityManager,
  { bot, userId, chat }: Receiver,
  { event, isBeginning }: PlannedNotice,
): Promise<void> {
  const renew = `event_id = ?, next_attempt_at = coalesce(n.next_attempt_at, now()), updated_at = now()`;
  const { id, objectType, objectId } = event;
  if (isBeginning) {
    await tx.execute(
      `insert into telegram_notices as n
         (id, user_id, bot, chat, object_type, object_id, event_id, attempts, next_attempt_at, created_at, updated_at)
       values (?, ?, ?, ?, ?, ?, ?, 0, now(), now(), now())
       on conflict (bot, chat, object_type, object_id) do update set ${renew}`,
      [newId(), userId, bot, chat, objectType, objectId, id, id],
    );
    return;
  }
  await tx.execute(
    `update telegram_notices n set ${renew}
     where bot = ? and chat = ? and object_type = ? and object_id = ?
       and (message_id is not null or next_attempt_at is not null)`,
    [id, bot, chat, objectType, objectId],
  );
}
