import assert from 'node:assert/strict';
import type { RequiredEntityData } from '@mikro-orm/core';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createCaptionActivities } from '../../activities/captions.ts';
import { toFailure } from '../../activities/failures.ts';
import type { ActivityDeps } from '../../activities/index.ts';
import { User } from '../../src/db/entities/user.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { createLog } from '../../src/log.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';

const silent = createLog({ level: 'silent', program: 'test' });

describe('a caption that is paid for', () => {
  let database: TestDatabase;
  let db: Db;
  let orm: Awaited<ReturnType<typeof openOrm>>;
  let userId: string;
  let answers: number;
  let logged: string;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url, poolMax: 2 });
    orm = await openOrm({ databaseUrl: database.url, poolMax: 1 });
    const em = orm.em.fork();
    const columns = { username: uniqueName('u'), passwordHash: 'x', scopes: ['write'] };
    userId = em.create(User, columns as RequiredEntityData<User>).id;
    await em.flush();
    await sql(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'shutting down' using errcode = '57P03'; end $$`);
  });
  after(async () => {
    await orm?.close();
    await db?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    answers = 0;
    logged = '';
    await sql(`create trigger refuse before update on captions for each row
      when (new.status = 'succeeded') execute function refuse()`);
  });

  const sql = (text: string) => orm.em.fork().execute(text);
  const obey = () => sql('drop trigger if exists refuse on captions');
  const insert = () =>
    db.captions.insert({ userId, videoId: null, prompt: 'a', platform: null, wantedModel: null });
  const captionWriter: ActivityDeps['captionWriter'] = {
    write: async () => {
      answers += 1;
      return { caption: 'A fine day', model: 'm', usage: null };
    },
  };

  const askForCaption = (captionId: string, keepAgainAfterMs: number[]) => {
    const write = (line: string) => {
      logged += line;
    };
    const log = createLog({ level: 'warn', program: 'test' }, { write });
    const activities = createCaptionActivities({ db, captionWriter, log, keepAgainAfterMs });
    const quiet = { logger: new DefaultLogger('ERROR') };
    return new MockActivityEnvironment({}, quiet).run(activities.askForCaption, { captionId });
  };

  it('is kept when the database refuses it for some moments, and bought once', async () => {
    const id = await insert();
    const asked = askForCaption(id, new Array(60).fill(50));
    setTimeout(() => void obey(), 300);
    assert.equal(await asked, 'written');
    const { status, caption } = (await db.captions.find(userId, id)) ?? {};
    assert.deepEqual([status, caption, answers], ['succeeded', 'A fine day', 1]);
    assert.match(logged, /could not be kept yet/);
    assert.ok(!logged.includes('A fine day'));
  });

  it('is given up for good when the database goes on refusing it', async () => {
    const id = await insert();
    const error = await askForCaption(id, [10, 10]).catch((thrown: unknown) => thrown);
    const { type, nonRetryable, details } = toFailure(error, silent);
    assert.deepEqual([type, nonRetryable, details], ['database_unavailable', true, ['blocked']]);
    assert.equal(answers, 1);
    await obey();
  });
});
