import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDeps } from '../../activities/index.ts';
import { createReconciliationActivities } from '../../activities/reconciliation.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { migrate } from '../../src/db/migrate.ts';
import { openOrm } from '../../src/db/orm.ts';
import type { VideoFilter } from '../../src/db/videos.ts';
import { parseSearch } from '../../src/domain/searchQuery.ts';
import { addTranscript, addVideo } from '../support/searching.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';

describe('the search index', () => {
  let database: TestDatabase;
  let db: Db;
  let userId: string;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
  });
  after(async () => {
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    userId = await addUser();
  });

  const addUser = async () =>
    (await db.users.insert({ username: uniqueName('u'), passwordHash: 'none', name: null, scopes: [] })).id;
  const search = (q: string, filter: VideoFilter = {}, page = {}, most = {}) =>
    db.search.find(userId, parseSearch(q), filter, { limit: 20, offset: 0, ...page }, most);
  const ids = async (q: string, filter: VideoFilter = {}) =>
    (await search(q, filter)).found.map(({ video }) => video.id);
  const assertFound = async (q: string, expected: string[]) =>
    assert.deepEqual((await ids(q)).sort(), expected.toSorted(), q);

  it('finds words wherever they are, also one here and the other there', async () => {
    const id = await addVideo(db, userId, {
      title: 'Pasta for two',
      description: 'Cooked slowly',
      tags: ['Dinner', 'quick meals'],
    });
    await addTranscript(db, id, ['Bring water to a boil', 'and add the salt']);
    for (const q of ['pasta', 'slowly', 'dinner', 'meal', 'boiling', 'pasta salt', 'DINNER cook water'])
      await assertFound(q, [id]);
    for (const q of ['pepper', 'pasta pepper', 'past', 'user', userId, `user:${userId}`])
      await assertFound(q, []);
  });

  it("never shows another's, also when something is only excluded", async () => {
    const own = await addVideo(db, userId, { title: 'A secret' });
    const stranger = await addUser();
    await addVideo(db, stranger, { title: 'Another secret' });
    for (const q of [
      'secret',
      '-nothing',
      'secret or another',
      '-"not at all"',
      '"a secret" or "another secret"',
    ])
      await assertFound(q, [own]);
  });

  it('understands phrases, exclusion and alternatives', async () => {
    const redCar = await addVideo(db, userId, { title: 'The red car' });
    const carRed = await addVideo(db, userId, { title: 'A car, all red' });
    const blueCar = await addVideo(db, userId, { title: 'Blue car', tags: ['red', 'car wash'] });
    await assertFound('red car', [redCar, carRed, blueCar]);
    await assertFound('"red car"', [redCar]);
    await assertFound('car -blue', [redCar, carRed]);
    await assertFound('car -"red car"', [carRed, blueCar]);
    await assertFound('-car', []);
    await assertFound('-blue', [redCar, carRed]);
    await assertFound('blue or all', [carRed, blueCar]);
    await assertFound('"red car" or wash -nothing', [redCar, blueCar]);
    await assertFound('the red car', [redCar, carRed, blueCar]);
    await assertFound('"the red car"', [redCar]);
    await assertFound('the', [redCar]);
    // Neither from one tag into the next nor from the tags into the title.
    await assertFound('"red car wash"', []);
  });

  it('finds a phrase that is said across two segments, and many scripts', async () => {
    const id = await addVideo(db, userId, {
      title: 'Cafés in 東京タワー',
      description: 'Ёлка, हिन्दी, İstanbul',
    });
    await addTranscript(db, id, ['we walked to the', 'river bank. Don’t ask']);
    for (const q of ['"the river bank"', "don't", 'cafe', 'CAFÉS', '京タ', 'елка', 'हिन्दी', 'istanbul']) {
      await assertFound(q, [id]);
    }
    await assertFound('京東', []);
  });

  it('follows every change: titles, versions of transcripts, deletion', async () => {
    const id = await addVideo(db, userId, { title: 'Before' });
    await addTranscript(db, id, ['heard by the machine']);
    await addTranscript(db, id, ['written by hand'], 'edited');
    await addTranscript(db, id, ['heard once more'], 'machine');
    await assertFound('heard', []);
    await assertFound('before written', [id]);
    await db.videos.change(userId, id, { title: 'After', tags: ['new'] });
    await assertFound('before', []);
    await assertFound('after new written', [id]);
    const older = await addVideo(db, userId, { title: 'After', id: '01800000-0000-7000-8000-000000000001' });
    await db.videos.requestDelete(userId, id);
    await assertFound('after', [older]);
    // It does not take the place of another in the ranking either.
    const { found, isTruncated } = await search('after', {}, {}, { maxRanked: 1 });
    assert.deepEqual([found[0]?.video.id, isTruncated], [older, false]);
  });

  it('shows where it is said: the best segments, in the order of time', async () => {
    const id = await addVideo(db, userId, { title: 'Olive trees' });
    const filler = Array.from({ length: 6 }, () => 'some oil');
    await addTranscript(db, id, ['nothing', ...filler, 'Olive <b>oil</b>', 'the olives & oils']);
    const matches = async (q: string) => (await search(q)).found[0]?.matches.map(({ startSec }) => startSec);
    assert.deepEqual(await matches('olive oil'), [10, 20, 30, 70, 80]);
    assert.deepEqual(await matches('trees'), []);
    assert.deepEqual(await matches('trees oil -salt'), [10, 20, 30, 40, 50]);
    assert.equal((await search('olives')).found[0]?.matches[0]?.text, 'Olive <b>oil</b>');
  });

  it('ranks the title over tags, description and speech, what is said often over the rest, then the newest', async () => {
    const said = await addVideo(db, userId);
    await addTranscript(db, said, ['the boat']);
    const saidToo = await addVideo(db, userId);
    await addTranscript(db, saidToo, ['a boat']);
    const often = await addVideo(db, userId);
    await addTranscript(db, often, Array(4).fill('boat'));
    const veryOften = await addVideo(db, userId);
    await addTranscript(db, veryOften, Array(12).fill('boat'));
    const tagged = await addVideo(db, userId, { tags: ['boats'] });
    const titled = await addVideo(db, userId, { title: 'My boat' });
    await addVideo(db, userId);
    assert.deepEqual(await ids('boat'), [titled, tagged, veryOften, often, saidToo, said]);
  });

  it('ranks the newest only, says when there are older ones, and keeps its pages apart from what comes later', async () => {
    const all: string[] = [];
    for (let at = 0; at < 7; at += 1)
      all.push(await addVideo(db, userId, { title: at === 0 ? 'Boat ahoy' : 'Ahoy boat' }));
    const [oldest = '', ...newest] = all;
    const whole = await search('boat', {}, {}, { maxRanked: 7 });
    assert.deepEqual([whole.found.length, whole.isTruncated, whole.hasMore], [7, false, false]);
    const cut = await search('boat', {}, {}, { maxRanked: 6 });
    assert.deepEqual([cut.isTruncated, cut.hasMore], [true, false]);
    assert.deepEqual(cut.found.map(({ video }) => video.id).sort(), newest.toSorted());
    // The order of words is looked at among the newest that hold them.
    const phrase = await search('"boat ahoy"', {}, {}, { maxRead: 6 });
    assert.deepEqual([phrase.found.length, phrase.isTruncated], [0, true]);
    assert.deepEqual(await ids('"boat ahoy"'), [oldest]);
    const first = await search('boat', {}, { limit: 4 });
    assert.equal(first.hasMore, true);
    await addVideo(db, userId, { title: 'Boat of later' });
    const second = await search('boat', {}, { limit: 4, offset: 4, newestId: first.newestId ?? '' });
    assert.equal(second.hasMore, false);
    const seen = [...first.found, ...second.found].map(({ video }) => video.id);
    assert.deepEqual(seen.toSorted(), all.toSorted());
    assert.deepEqual(await search('boat', {}, { offset: 5000 }).then(({ found }) => found), []);
  });

  it('takes a transcript of any size and a question of many words', async () => {
    const id = await addVideo(db, userId);
    const unlike = Array.from({ length: 70_000 }, (_, at) => `word${at}x`);
    await addTranscript(db, id, [unlike.join(' '), 'end']);
    await assertFound('word0x', [id]);
    await assertFound(Array.from({ length: 40 }, (_, at) => `"word${at}x word${at + 1}x"`).join(' or '), [
      id,
    ]);
    await assertFound(`"${unlike.slice(0, 40).join(' ')}"`, [id]);
  });

  it('finds phrases whose words are said more often, or later, than Postgres counts', async () => {
    const chinese = await addVideo(db, userId, { title: 'chinese' });
    await addTranscript(db, chinese, [...Array(300).fill('这是我们的第几个句子呢好'), '苹果的味道', '猫']);
    for (const q of ['的味道', '苹果的味道', '味道', '果', '猫']) await assertFound(q, [chinese]);
    for (const q of ['道味', '味果', '狗']) await assertFound(q, []);
    const english = await addVideo(db, userId, { title: 'english' });
    const often = Array(300).fill('the cat sat here');
    await addTranscript(db, english, [...often, 'in the zanzibar harbour by old', 'of boats']);
    for (const q of ['"the zanzibar"', '"in the zanzibar harbour"', '"cat sat"', '"cat old"'])
      await assertFound(q, [english]);
    // What is told apart by words whose places are known still is.
    for (const q of ['"harbour the zanzibar"', '"zanzibar harbour of"', '"the boats old"', '"dog sat"'])
      await assertFound(q, []);
    const long = await addVideo(db, userId, { title: 'long' });
    const filler = Array.from({ length: 170 }, (_, at) => `filler${at} `.repeat(100));
    await addTranscript(db, long, ['red boats ahoy', ...filler, 'vasco da gama']);
    for (const q of ['"vasco da gama"', '"red boats"']) await assertFound(q, [long]);
    await assertFound('"boats red"', []);
  });

  it('is written when its words change, and left alone when they do not', async () => {
    const id = await addVideo(db, userId, { title: 'Boat', tags: ['sea'] });
    const writer = async () => {
      const [row] = await execute(`select xmin::text from search_documents where video_id = '${id}'`);
      return (row as { xmin: string }).xmin;
    };
    const first = await writer();
    for (const changes of [{}, { title: 'Boat' }, { tags: ['sea'], description: null }])
      await db.videos.change(userId, id, changes);
    assert.equal(await writer(), first);
    await db.videos.change(userId, id, { description: 'Sailing' });
    assert.notEqual(await writer(), first);
  });

  it('is filled by workers with what was there before it, and with what they could not index then', async () => {
    const id = await addVideo(db, userId, { title: 'Äpfel', description: 'and pears', tags: ['fruit'] });
    await addTranscript(db, id, ['Apples first', Array(9).fill('pears').join(' ')]);
    await addTranscript(db, id, ['Plums instead'], 'edited');
    const wordless = await addVideo(db, userId, { title: '—' });
    const read = () =>
      execute('select * from search_documents join search_rankings using (video_id) order by video_id');
    const before = await read();
    await execute('drop table search_documents, search_rankings');
    await execute(`delete from mikro_orm_migrations where name = 'Migration20261121155728'`);
    assert.deepEqual(await migrate(database.url), ['Migration20261121155728']);
    await execute(`update videos set deleted_at = now() where id not in ('${id}', '${wordless}')`);
    const lines: string[] = [];
    const log = { warn: (_: unknown, line: string) => void lines.push(line) };
    const flows = { startProcessing: async () => {}, startRemoval: async () => {} };
    const pass = (parts = {}) => {
      const deps = { db: { ...db, ...parts }, log, flows, config: { RECONCILE_INTERVAL_SEC: 15 } };
      const { repeatIntents } = createReconciliationActivities(deps as unknown as ActivityDeps);
      return new MockActivityEnvironment().run(repeatIntents);
    };
    const { unindexedVideos } = db;
    const list = (after: string | null) => unindexedVideos.list(after);
    const index = (videoId: string) =>
      videoId === id ? Promise.reject(new Error('not now')) : unindexedVideos.index(videoId);
    assert.deepEqual(await pass({ unindexedVideos: { list, index } }), { nextPassSec: 15 });
    assert.deepEqual([lines.length, await list(null)], [1, [id]]);
    await pass();
    assert.deepEqual(await list(null), []);
    const ours = (rows: unknown[]) =>
      rows.filter((row) => [id, wordless].includes((row as { video_id: string }).video_id));
    assert.ok(ours(before).length === 2);
    assert.deepEqual(ours(await read()), ours(before));
  });

  it('answers from its index alone', async () => {
    const plan = await execute(
      `explain select 1 from search_documents where words @@ (select 'a'::tsquery)`,
      'set enable_seqscan = off',
    );
    assert.match(JSON.stringify(plan), /Bitmap Index Scan on search_documents_words/);
  });

  async function execute(statement: string, ...before: string[]): Promise<unknown[]> {
    const orm = await openOrm({ databaseUrl: database.url, poolMax: 1 });
    try {
      const em = orm.em.fork();
      for (const setting of before) await em.execute(setting);
      return await em.execute(statement);
    } finally {
      await orm.close();
    }
  }
});
