import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type AnnouncerDeps, type Delivery, startAnnouncer } from '../../src/announcer.ts';
import type { TakenWebhooks, WebhookPage, WebhookToTell } from '../../src/db/webhookNews.ts';
import { createLog } from '../../src/log.ts';
import { waitFor } from '../support/stack.ts';

const NOBODY: TakenWebhooks = { taken: [], lastId: null, isBehind: false };

/** An announcer of a database with so many webhooks to take, where all is told what is asked of it. */
async function announce(
  count: number,
  parts: Partial<Delivery & Pick<AnnouncerDeps['flows'], 'deliverWebhook'>>,
) {
  const waiting = Array.from({ length: count }, (_, at) => ({ webhookId: `w${at}`, userId: 'u' }));
  const seen = { pages: [] as WebhookPage[], told: [] as string[], shifts: 0, most: 0 };
  const trouble = { failures: 0 };
  const take = async (_: readonly string[] | null, page: WebhookPage): Promise<TakenWebhooks> => {
    seen.pages.push(page);
    if (trouble.failures-- > 0) throw new Error('statement timeout');
    const taken = waiting.splice(0, page.limit);
    return {
      ...NOBODY,
      taken,
      lastId: taken.length === page.limit ? (taken.at(-1)?.webhookId ?? null) : null,
    };
  };
  let hear: (userId: string | null) => void = () => undefined;
  const attend: Delivery['attend'] = async (...asked) => {
    seen.shifts += 1;
    seen.most = Math.max(seen.most, seen.shifts);
    try {
      return await (parts.attend?.(...asked) ?? { nextDueInMs: null });
    } finally {
      seen.shifts -= 1;
    }
  };
  const deliverWebhook = async (webhook: WebhookToTell) => {
    seen.told.push(webhook.webhookId);
    return parts.deliverWebhook?.(webhook) ?? true;
  };
  const announcer = await startAnnouncer({
    db: {
      webhookNews: { take },
      listenForEvents: async (handler: typeof hear) => {
        hear = handler;
        return { close: async () => undefined };
      },
    } as unknown as AnnouncerDeps['db'],
    flows: { deliverWebhook } as AnnouncerDeps['flows'],
    log: createLog({ level: 'silent', program: 'test' }),
    ...{ bot: null, ring: () => undefined },
    delivery: { holder: 'h', attendSec: 12, places: parts.places ?? 0, attend },
  });
  return { ...announcer, seen, trouble, waiting, tell: () => hear('u') };
}

describe('the announcer', () => {
  it('takes no more webhooks than it has places for, and tells the engine of the others', async () => {
    const { seen, close } = await announce(1000, {
      places: 100,
      attend: () => delay(50, { nextDueInMs: null }),
    });
    await waitFor(() => seen.told.length === 900, { what: 'the others to be told' });
    assert.equal(seen.most, 100);
    await close();
    assert.equal(seen.shifts, 0, 'close waits for what is at hand');
  });

  it('tells the engine of what a shift leaves over', async () => {
    const left = new Map([['w1', 10]]);
    const attend: Delivery['attend'] = async ({ webhookId }) => ({
      nextDueInMs: left.get(webhookId) ?? null,
    });
    const { seen, close } = await announce(3, { places: 5, attend });
    await waitFor(() => seen.told.length > 0, { what: 'one to be told' });
    await close();
    assert.deepEqual(seen.told, ['w1']);
  });

  it('asks for less when that was too much, and for more again when it was not', async () => {
    const { seen, trouble, waiting, tell, close } = await announce(0, { places: 1000 });
    await waitFor(() => seen.pages.length > 0, { what: 'the first look' });
    trouble.failures = 2;
    for (let looks = 1; looks < 4; looks++) {
      if (looks === 3) waiting.push({ webhookId: 'late', userId: 'u' });
      tell();
      await waitFor(() => seen.pages.length > looks, { what: 'a look' });
    }
    await close();
    assert.deepEqual(
      seen.pages.slice(0, 4).map(({ limit }) => limit),
      [200, 200, 20, 2],
    );
    assert.equal(waiting.length, 0);
  });

  it('ends soon though the engine is away: the reconciler finds whom it was not told of', async () => {
    const { seen, close } = await announce(400, { deliverWebhook: () => delay(100, false) });
    await waitFor(() => seen.told.length > 0, { what: 'the engine to be told' });
    const closedAt = Date.now();
    await close();
    assert.ok(Date.now() - closedAt < 1000);
    assert.ok(seen.told.length < 100, `${seen.told.length}`);
  });

  it('asks an engine that is away once for all that shifts leave over while it ends', async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const attend = () => ended.then(() => ({ nextDueInMs: 200 }));
    const { seen, close } = await announce(100, {
      ...{ places: 100, attend, deliverWebhook: () => delay(50, false) },
    });
    await waitFor(() => seen.shifts === 100, { what: 'the shifts' });
    const closing = close();
    end();
    await closing;
    assert.ok(seen.told.length > 0 && seen.told.length <= 12, `${seen.told.length}`);
  });

  it('begins nothing more when it is closed, and leaves what is left over of a shift to the engine', async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const attend = async () => ended.then(() => ({ nextDueInMs: 200 }));
    const { seen, waiting, tell, close } = await announce(1, { places: 1, attend });
    await waitFor(() => seen.shifts === 1, { what: 'the shift' });
    const closing = close();
    waiting.push({ webhookId: 'late', userId: 'u' });
    tell();
    const looks = seen.pages.length;
    end();
    await closing;
    assert.deepEqual([seen.told, seen.pages.length], [['w0'], looks]);
  });
});
