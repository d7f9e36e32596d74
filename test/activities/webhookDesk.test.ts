import assert from 'node:assert/strict';
import { createAttemptRecorder } from '../../activities/attemptRecorder.ts';
import { createWebhookDesk } from '../../activities/webhookDesk.ts';
import type { Config } from '../../src/config.ts';
import type { Event } from '../../src/db/entities/event.ts';
import type { Db } from '../../src/db/index.ts';
import type { DueAttempt, EndedAttempt, WebhookLook, WebhookSight } from '../../src/db/webhookRecords.ts';
import { createLog } from '../../src/log.ts';
import type { Sealer } from '../../src/secrets/sealing.ts';

type Records = Db['webhookRecords'];

const log = createLog({ level: 'silent', program: 'test' });
const config = { WEBHOOK_TIMEOUT_SEC: 3, WEBHOOK_DISABLE_AFTER_SEC: 60 } as Config;
const fakeDb = (records: Partial<Records>) => ({ webhookRecords: records }) as Db;

describe('the desk of webhooks', () => {
  it('asks for a webhook that several want once more, and for all others together', async () => {
    const asked: string[][] = [];
    const db = fakeDb({
      attend: async (looks: readonly WebhookLook[]) => {
        asked.push(looks.map(({ webhookId }) => webhookId));
        const sight = { state: 'taken', hasMore: false, found: 0 } as const;
        return new Map(
          looks.map(({ webhookId, slots }) => [webhookId, { ...sight, nextDueInMs: slots, begun: [] }]),
        );
      },
    });
    const sealer = {} as Sealer;
    const desk = createWebhookDesk({ config, db, log, sealer });
    const wanted = [...'abcdefgbbh'];
    const sights = await Promise.all(
      wanted.map((webhookId, at) => desk.look({ webhookId, holder: `${at}`, slots: at })),
    );
    assert.deepEqual(
      sights.map(({ nextDueInMs }) => nextDueInMs),
      wanted.map((_, at) => at),
    );
    assert.deepEqual(
      asked.map(({ length }) => length),
      [8, 1, 1],
    );
  });

  it('asks for an event once for all webhooks, and forgets the first when they are too large together', async () => {
    const asked: string[] = [];
    const target = { sealedUrl: '', secrets: [] };
    const db = fakeDb({
      attend: async (looks: readonly WebhookLook[]) => {
        const sight = { state: 'open', hasMore: false, nextDueInMs: null, found: 1 } as const;
        const toSight = ({ webhookId, holder: eventId }: WebhookLook): [string, WebhookSight] => {
          const begun = [{ webhookId, eventId, target } as unknown as DueAttempt];
          return [webhookId, { ...sight, begun }];
        };
        return new Map(looks.map(toSight));
      },
      findEvents: async (ids: readonly string[]) => {
        asked.push(...ids);
        const data = { pad: 'x'.repeat(3 * 1024 * 1024) };
        return ids.map((id) => ({ id, createdAt: new Date(0), data }) as unknown as Event);
      },
    });
    const sealer = { open: (sealed: string) => sealed } as Partial<Sealer> as Sealer;
    const desk = createWebhookDesk({ config, db, log, sealer });
    for (const [webhookId = '', eventId = ''] of ['1a', '2a', '1b', '2b', '2a', '1c', '2c', '1a']) {
      const [prepared] = (await desk.look({ webhookId, holder: eventId, slots: 1 })).due;
      assert.match(prepared?.body.subarray(0, 20).toString() ?? '', new RegExp(`^{"id":"${eventId}"`));
    }
    assert.deepEqual(asked, ['a', 'b', 'c', 'a']);
  });
});

describe('writing down attempts', () => {
  const ended = (webhookId: string) => ({ webhookId }) as EndedAttempt;
  const recorder = (records: Partial<Records>) => createAttemptRecorder({ config, log, db: fakeDb(records) });

  it('is done one by one where it cannot be done together', async () => {
    const written: string[][] = [];
    const record = recorder({
      record: async (all: readonly EndedAttempt[]) => {
        const names = all.map(({ webhookId }) => webhookId);
        if (names.length > 1 && names.includes('held')) throw new Error('one of them is held');
        written.push(names);
        return [];
      },
    });
    await Promise.all([...'abc', 'held', ...'de'].map((name) => record(ended(name))));
    assert.deepEqual(written.flat().sort(), ['a', 'b', 'c', 'd', 'e', 'held']);
  });

  it('waits for nobody who judges another, and is done whatever comes of that', async () => {
    const disabled: string[] = [];
    let end = (_failures: number) => {};
    const record = recorder({
      record: async (all: readonly EndedAttempt[]) =>
        all.map(({ webhookId }) => ({ webhookId, failingSince: new Date(0) })),
      countFailures: async (webhookId: string) => {
        if (webhookId === 'odd') throw new Error('no answer');
        if (webhookId === 'few') return 2;
        return webhookId === 'slow' ? new Promise((resolve) => (end = resolve)) : 3;
      },
      disable: async (webhookId: string) => void disabled.push(webhookId),
    });
    const slow = record(ended('slow'));
    await Promise.all(['odd', 'few', 'bad'].map((name) => record(ended(name))));
    assert.deepEqual(disabled, ['bad']);
    end(3);
    await slow;
    assert.deepEqual(disabled, ['bad', 'slow']);
  });
});
