import { newId } from '../../src/db/ids.ts';
import type { TestEngine } from './engine.ts';
import { startFakeTelegram } from './fakes/telegram.ts';
import { floodWait } from './fakes/telegramTrouble.ts';
import { BOT, type NoticeWorld, noticeWorldAt } from './noticeWorld.ts';
import { waitFor } from './stack.ts';

/** Each way through the sending of notices. */
export async function recordNotices(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const world = noticeWorldAt(engine, await startFakeTelegram());
  world.startWorker();
  const [user] = await world.addUsers(1);
  if (!user) throw new Error('no user');
  const tellReady = () => world.tell(user.id, 'video.ready', { id: newId() });
  const untilShown = (count: number) =>
    world.untilShown(user.chat, (shown) => shown.length === count, 60_000);
  const end = async (name: string) => {
    await world.engine.client.workflow.getHandle(world.workflowId).result();
    await save(`sendNotices-${name}`, world.workflowId);
  };
  await waitFor(async () => (await world.sql('select from telegram_bots'))[0], {
    ...{ what: 'the worker', timeoutMs: 60_000 },
  });
  await tellReady();
  await untilShown(1);
  // Comes while it stays for more.
  await tellReady();
  await untilShown(2);
  await end('sent');
  world.fake.behave(floodWait(2));
  await tellReady();
  await untilShown(3);
  await end('waited');
  await recordLink(world, user.id);
  await end('linked');
  await engine.stopWorkers('SIGTERM');
  await world.close();
}

async function recordLink({ engine, fake, sql }: NoticeWorld, userId: string): Promise<void> {
  const code = 'c'.repeat(32);
  const expiresAt = new Date(Date.now() + 60_000);
  await engine.db.telegramLinks.insert({ userId, bot: BOT, code, expiresAt });
  await engine.flows.sendNotices({ bot: BOT });
  await waitFor(() => fake.asked('getUpdates').length > 0, { what: 'the reading' });
  fake.world.write(77, `/start ${code}`);
  const isLinked = async () => (await sql('select from telegram_links where linked_at is not null'))[0];
  await waitFor(isLinked, { what: 'the link' });
}
