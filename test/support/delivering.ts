import pg from 'pg';
import type { WebhookDelivery } from '../../src/db/entities/webhookDelivery.ts';
import { newId } from '../../src/db/ids.ts';
import { webhookSecretPlace, webhookUrlPlace } from '../../src/domain/sealedPlaces.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import { makeWebhookSecret } from '../../src/secrets/webhookSecret.ts';
import type { TestEngine } from './engine.ts';
import { waitFor } from './stack.ts';

export interface MadeWebhook {
  id: string;
  userId: string;
  url: string;
  secret: string;
}

/** Makes webhooks and events in an engine's database, and looks at what became of them. */
export interface Deliveries {
  addWebhook(url: string, options?: { userId?: string; types?: string[] }): Promise<MadeWebhook>;
  /** Lets so many things happen to a user, each in a transaction of its own. @returns the events' ids, in order */
  tell(count: number, options?: { userId?: string; type?: string }): Promise<string[]>;
  /** The log, in the order of the feed. */
  log(webhook: MadeWebhook): Promise<WebhookDelivery[]>;
  /** Waits until nothing is pending, and gives the log. */
  untilEnded(webhook: MadeWebhook, count: number, timeoutMs?: number): Promise<WebhookDelivery[]>;
  // biome-ignore lint/suspicious/noExplicitAny: rows of every shape
  sql(text: string, values?: unknown[]): Promise<any[]>;
  close(): Promise<void>;
}

export async function createDeliveries(engine: TestEngine): Promise<Deliveries> {
  const { config, db } = engine;
  const pool = new pg.Pool({ connectionString: config.DATABASE_URL, max: 10 });
  const sealer = createSealer(config.ENCRYPTION_KEYS);
  const log = async ({ id, userId }: MadeWebhook) => {
    const page = { limit: 100_000 };
    const rows = await db.webhookDeliveries.list(userId, id, {}, page);
    return rows.reverse();
  };
  const sql: Deliveries['sql'] = async (text, values) => (await pool.query(text, values)).rows;
  return {
    async addWebhook(url, { userId = engine.userId, types = [] } = {}) {
      const id = newId();
      const secretId = newId();
      const secret = makeWebhookSecret();
      await db.transaction(({ webhooks }) =>
        webhooks.insert(
          {
            ...{ id, userId, types, description: 'A test', isEnabled: true },
            sealedUrl: sealer.seal(url, webhookUrlPlace(id)),
            secret: { id: secretId, sealed: sealer.seal(secret, webhookSecretPlace(secretId)) },
          },
          1000,
        ),
      );
      return { id, userId, url, secret };
    },
    async tell(count, { userId = engine.userId, type = 'video.ready' } = {}) {
      const ids = Array.from({ length: count }, newId);
      for (const id of ids)
        await sql(
          `insert into events (id, user_id, type, object_type, object_id, data, created_at)
           values ($1, $2, $3, 'video', $4, $5, now())`,
          [id, userId, type, newId(), { title: 'A test' }],
        );
      return ids;
    },
    log,
    untilEnded: (webhook, count, timeoutMs = 20_000) =>
      waitFor(
        async () => {
          const rows = await log(webhook);
          return rows.length >= count && rows.every(({ state }) => state !== 'pending') ? rows : null;
        },
        { what: `${count} deliveries to have ended`, timeoutMs },
      ),
    sql,
    close: () => pool.end(),
  };
}

/** What a log says of its attempts: an answer's status, or the error, attempt by attempt. */
export const attemptsOf = (delivery: WebhookDelivery): (number | string | null)[] =>
  delivery.log
    .getItems()
    .sort((a, b) => a.number - b.number)
    .map(({ status, errorCode }) => status ?? errorCode ?? null);
