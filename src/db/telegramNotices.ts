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

/** How the news were looked through. */
export interface NewsEnd {
  /** After whom to go on; null when that was all. */
  lastUserId: string | null;
  /** Who has to be looked at another time. */
  failures: { userId: string; error: unknown }[];
}

/** How far the events of a user were looked through who wants to be told. */
interface NewsOfUser {
  userId: string;
  chat: string;
  switches: Record<string, boolean>;
  noticedSequence: number;
  /** As far as is looked now. */
  until: number;
  hasNoticed: boolean;
}

/** Looked through at a time: few, since nothing new is sent meanwhile. */
const USERS = 50;
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

  /**
   * Looks once through the events of some users who want to be told, in the order of their ids, and keeps what is to be
   * told of them. Whoever is held by somebody else just then is passed over: nobody waits for another's row.
   */
  async takeNews(
    bot: string,
    { after = null, signal }: { after?: string | null; signal?: AbortSignal } = {},
  ): Promise<NewsEnd> {
    const users = await this.#em.execute<NewsOfUser[]>(
      `select w.*, exists (select from events e where e.user_id = w."userId" and e.sequence > w."noticedSequence"
           and e.sequence <= w.until and e.type in (?)) as "hasNoticed"
       from (select u.id as "userId", u.telegram_chat as chat, u.notices as switches,
           f.noticed_sequence::float8 as "noticedSequence",
           least(f.last_sequence, f.noticed_sequence + ${EVENTS})::float8 as until
         ${WITH_NEWS} and (?::uuid is null or u.id > ?::uuid) order by u.id limit ${USERS}) w
       order by w."userId"`,
      [[...NOTICED_TYPES], after, after],
    );
    await this.#skipAhead(users.filter(({ hasNoticed }) => !hasNoticed));
    const failures: NewsEnd['failures'] = [];
    for (const user of users.filter(({ hasNoticed }) => hasNoticed)) {
      if (signal?.aborted) break;
      const work = this.#takeNewsOf(bot, user);
      await work.catch((error: unknown) => failures.push({ userId: user.userId, error }));
    }
    const last = users.length === USERS ? users.at(-1) : undefined;
    return { lastUserId: last?.userId ?? null, failures };
  }

  /** Most of what happens is told of to nobody. */
  async #skipAhead(users: NewsOfUser[]): Promise<void> {
    if (users.length === 0) return;
    const seen = users.map(({ userId, noticedSequence, until }) => ({ userId, noticedSequence, until }));
    await this.#em.execute(
      `update feeds f set noticed_sequence = s.until
       from (select g.user_id, w.until from feeds g
         join jsonb_to_recordset(?::jsonb) as w("userId" uuid, "noticedSequence" bigint, until bigint)
           on g.user_id = w."userId" and g.noticed_sequence = w."noticedSequence"
         for no key update of g skip locked) s
       where f.user_id = s.user_id`,
      [JSON.stringify(seen)],
    );
  }

  async #takeNewsOf(bot: string, news: NewsOfUser): Promise<void> {
    const { userId, chat, noticedSequence, until } = news;
    const work = this.#em.transactional(async (tx) => {
      // First, as in all that changes a chat; and it stays the user's until this is kept.
      const [user] = await tx.execute<object[]>(
        'select from users where id = ? and telegram_chat = ? and telegram_off_reason is null for share skip locked',
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

  /** When the next notices are due, of chats that may be written to and of those that may not now; null when none is. */
  async nextDueAt(
    bot: string,
    { busyChats = [] }: { busyChats?: string[] } = {},
  ): Promise<{ atFree: Date | null; atBusy: Date | null }> {
    const isBusy = 'chat in (select jsonb_array_elements_text(?::jsonb))';
    const [row] = await this.#em.execute<{ atFree: string | null; atBusy: string | null }[]>(
      `select min(next_attempt_at) filter (where not is_busy) as "atFree",
         min(next_attempt_at) filter (where is_busy) as "atBusy"
       from (select next_attempt_at, ${isBusy} as is_busy from telegram_notices
             where bot = ? and next_attempt_at is not null) n`,
      [JSON.stringify(busyChats), bot],
    );
    return { atFree: toDate(row?.atFree), atBusy: toDate(row?.atBusy) };
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

const toDate = (at: string | null | undefined): Date | null => (at ? new Date(at) : null);

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
