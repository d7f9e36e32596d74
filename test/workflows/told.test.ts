import assert from 'node:assert/strict';
import type { Event } from '../../src/db/entities/event.ts';
import { editsOf } from '../support/edits.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { readOn } from '../support/readOn.ts';
import { waitFor } from '../support/stack.ts';
import { watchChanges } from '../support/watchedChanges.ts';

const VIDEOS = 20;

/** What one video without pictures tells, from its acceptance on. Source and probe are done side by side. */
const STORY = [
  ...['video.created', 'step.queued', 'step.queued', 'step.queued'],
  ...['video.processing', 'step.running', 'step.running', 'step.succeeded', 'step.succeeded'],
  ...['step.skipped', 'video.ready'],
];

describe('what the engine does', () => {
  let engine: TestEngine;
  let changes: Awaited<ReturnType<typeof watchChanges>>;

  before(async function () {
    this.timeout(60_000);
    engine = await startTestEngine();
    changes = await watchChanges(engine.config.DATABASE_URL);
    engine.startWorker();
  });
  after(() => engine?.close());

  const typesOf = (events: readonly Event[], videoId: string) =>
    events.filter((event) => event.videoId === videoId).map(({ type }) => type);

  it('is told of twenty videos at once without a gap at any moment, each number and each story once', async function () {
    this.timeout(90_000);
    const reader = readOn(engine.db, engine.userId);
    const file = await fixture('faststart');
    const ids = await Promise.all(Array.from({ length: VIDEOS }, () => engine.addVideo(file, { steps: [] })));
    for (const id of ids) assert.equal((await engine.untilSettled(id)).status, 'ready');
    const events = await reader.end();
    assert.equal(events.length, VIDEOS * STORY.length);
    for (const id of ids) assert.deepEqual(typesOf(events, id).sort(), [...STORY].sort());
    assert.ok(reader.pages() >= VIDEOS, `only ${reader.pages()} pages were read meanwhile`);
  });

  it('is told of what fails, is cut, is taken back and goes', async function () {
    this.timeout(60_000);
    const edits = editsOf(engine);
    const parent = await engine.addVideo(await fixture('faststart'), { steps: [] });
    const bad = await engine.addVideo(await fixture('garbage'));
    assert.equal((await engine.untilSettled(bad)).status, 'failed');
    await engine.untilSettled(parent);
    const trim = await edits.add({ parents: [parent] });
    const { status, video } = await edits.untilEnded(trim);
    assert.equal(status, 'succeeded');
    await engine.untilSettled(video?.id ?? '');
    const lost = await edits.add({ parents: [bad] });
    assert.equal((await edits.untilEnded(lost)).status, 'failed');
    const left = await engine.addVideo(await fixture('h264'));
    await engine.db.videos.requestDelete(engine.userId, left);
    await engine.flows.startRemoval(left, engine.userId);
    const isGone = async () => (await engine.db.reconciliation.sourceKeyOfDeleted(left)) === null;
    await waitFor(isGone, { what: 'the removal', timeoutMs: 30_000 });
  });

  afterEach(async () => assert.deepEqual((await changes.judge()).mistakes, []));
});
