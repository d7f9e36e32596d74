import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import { SIGNALS } from '../../workflows/contract.ts';
import { BOT, type NoticeWorld, startNoticeWorld } from '../support/noticeWorld.ts';
import { waitFor } from '../support/stack.ts';

describe('codes that are sent to the bot', function () {
  this.timeout(90_000);
  let world: NoticeWorld;

  before(async () => {
    // Seldom, so that it does not find what is missed here.
    world = await startNoticeWorld({ RECONCILE_INTERVAL_SEC: '60' });
    world.startWorker();
    await waitFor(async () => (await world.sql('select from telegram_bots'))[0], {
      what: 'the worker',
      timeoutMs: 60_000,
    });
  });

  beforeEach(() => world.fake.reset());

  after(() => world.close());

  const offer = async (userId: string): Promise<string> => {
    const code = newId().replaceAll('-', '');
    const expiresAt = new Date(Date.now() + 60_000);
    await world.engine.db.telegramLinks.insert({ userId, bot: BOT, code, expiresAt });
    await world.engine.flows.sendNotices({ bot: BOT });
    return code;
  };
  const isLinked = async (userId: string, chat: number) =>
    (await world.engine.db.users.find(userId))?.telegramChat === String(chat);
  const pollsOf = (waits: boolean) =>
    world.fake.asked('getUpdates').filter(({ json }) => (json as { timeout: number }).timeout > 0 === waits);
  const handle = () => world.engine.client.workflow.getHandle(world.workflowId);

  it('are read also when they are offered as the reading comes to its end, and notices wait for long', async () => {
    const [one, other] = await world.addUsers(2);
    assert.ok(one && other);
    // Whoever waits for a notice that comes later must not be whom the code has to wait for.
    await world.tell(other.id, 'video.ready', { id: newId() });
    await world.untilShown(other.chat, (shown) => shown.length === 1, 60_000);
    const isNoted = async () =>
      (await world.sql('select from telegram_notices where next_attempt_at is null'))[0];
    await waitFor(isNoted, { what: 'the end of it' });
    await world.sql(`update telegram_notices set next_attempt_at = now() + interval '1 hour'`);
    world.fake.behaveBy(({ path, json }) =>
      path.endsWith('/getUpdates') && (json as { timeout: number }).timeout === 0
        ? { kind: 'slow', ms: 1500 }
        : undefined,
    );
    world.fake.world.write(71, `/start ${await offer(one.id)}`);
    await waitFor(() => pollsOf(false).length === 1, { what: 'the end of the reading' });
    world.fake.world.write(72, `/start ${await offer(other.id)}`);
    await waitFor(() => isLinked(other.id, 72), { what: 'the second link', timeoutMs: 10_000 });
    assert.ok(await isLinked(one.id, 71));
  });

  it('hold up no notices when the run before them has become too long', async () => {
    const [one, other] = await world.addUsers(2);
    assert.ok(one && other);
    const polls = pollsOf(true).length;
    const code = await offer(one.id);
    await waitFor(() => pollsOf(true).length > polls, { what: 'the reading' });
    const { runId } = await handle().describe();
    const begun = Date.now();
    // Four MiB are what the engine finds long.
    for (let count = 0; count < 4; count++) await handle().signal(SIGNALS.news, 'x'.repeat(1_200_000));
    await waitFor(async () => (await handle().describe()).runId !== runId, { what: 'another run' });
    await world.tell(other.id, 'video.ready', { id: newId() });
    await world.untilShown(other.chat, (shown) => shown.length === 1);
    assert.ok(Date.now() - begun < 10_000, `took ${Date.now() - begun} ms`);
    world.fake.world.write(73, `/start ${code}`);
    await waitFor(() => isLinked(one.id, 73), { what: 'the link' });
  });
});
