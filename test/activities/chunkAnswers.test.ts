import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Asking, answerChunks } from '../../activities/chunkAnswers.ts';
import { withClaim } from '../../activities/chunkClaims.ts';
import type { ActivityDeps } from '../../activities/index.ts';
import { createTurns } from '../../activities/turns.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import type { SpeechChunk } from '../../src/domain/speech.ts';
import type { Transcriber } from '../../src/transcriber/index.ts';
import { heededOf } from '../../src/transcriber/models.ts';
import { keepingLog } from '../support/mediaAdapter.ts';
import { type TestDatabase, testDatabase, waitFor } from '../support/stack.ts';
import { openStoredWorld, type StoredWorld } from '../support/storedWorld.ts';

const CHUNKS = 6;
const LANES = 2;
const chunks = Array.from({ length: CHUNKS }, (_, at): SpeechChunk => {
  const range = { startSec: at * 10, endSec: at * 10 + 10 };
  return { ...range, offsetBytes: at, sizeBytes: 1, voiced: [range] };
});

describe('having the chunks of a video answered', () => {
  let database: TestDatabase;
  let world: StoredWorld;
  let db: Db;
  let userId: string;
  const { log } = keepingLog();

  before(async () => {
    database = await testDatabase();
    [db, world] = await Promise.all([
      createDb({ databaseUrl: database.url }),
      openStoredWorld({ databaseUrl: database.url, storageDir: '/nowhere' }),
    ]);
    userId = (await db.users.insert({ username: 'u', passwordHash: 'none', name: null, scopes: [] })).id;
  });
  after(async () => {
    await Promise.all([db?.close(), world?.close()]);
    await database?.drop();
  });

  /** A transcriber that answers with the number of the chunk, and what it was asked. */
  const play = (answer: (at: number) => Promise<void> = () => delay(20)) => {
    const asked: number[] = [];
    let [now, most] = [0, 0];
    const transcriber = {
      heededOf,
      transcribe: async ({ bytes, durationSec }: { bytes: Uint8Array; durationSec: number }) => {
        const at = bytes[0] ?? 0;
        asked.push(at);
        now += 1;
        most = Math.max(most, now);
        await answer(at).finally(() => {
          now -= 1;
        });
        return { language: null, segments: [{ startSec: 0, endSec: durationSec, text: `chunk ${at}` }] };
      },
    };
    return { transcriber: transcriber as unknown as Transcriber, asked, most: () => most };
  };
  /** Begins to have a video answered; each of these is one of a user's own bytes. */
  const begin = (
    sourceSha256: string,
    { transcriber }: { transcriber: Transcriber },
    more: Partial<Asking> & { inTurn?: ReturnType<typeof createTurns>; heard?: SpeechChunk[] } = {},
  ) => {
    const { inTurn = createTurns(() => LANES), heard = chunks, ...rest } = more;
    const config = { TRANSCRIBE_CONCURRENCY: LANES } as ActivityDeps['config'];
    const read = async ({ offsetBytes }: SpeechChunk) => Uint8Array.of(offsetBytes);
    const format = { contentType: 'audio/ogg', extension: 'ogg', encoder: 'e' };
    const asking = {
      speech: { ...format, sourceSha256, chunks: heard, read } as Asking['speech'],
      ...{ userId, transcriber, options: { model: 'whisper-1' }, signal: new AbortController().signal },
      ...{ onShare: () => {}, noteProgress: () => {} },
    };
    return answerChunks({ db, config, log, inTurn }, { ...asking, ...rest });
  };
  const textsOf = (answers: Awaited<ReturnType<typeof answerChunks>>) =>
    answers.map(({ answer }) => answer.segments[0]?.text);
  const ALL = chunks.map((_, at) => `chunk ${at}`);

  it('asks once about bytes that are in two videos at the same time', async () => {
    const fake = play(() => delay(100));
    const both = await Promise.all([begin('same', fake), begin('same', fake)]);
    assert.deepEqual(fake.asked.sort(), [0, 1, 2, 3, 4, 5]);
    for (const answers of both) assert.deepEqual(textsOf(answers), ALL);
    assert.deepEqual(await world.sql('select key from speech_claims'), []);
  });

  it('asks about what another one was refused, or did not live to hear', async () => {
    const failing = play(async () => {
      throw new Error('refused');
    });
    await assert.rejects(begin('refused', failing), /refused/);
    const fake = play();
    await begin('refused', fake);
    assert.equal(fake.asked.length, CHUNKS);
    // As it is left by a worker that dies while it asks.
    const { promise: dead, resolve: bury } = Promise.withResolvers<void>();
    const corpse = begin(
      'dead',
      play(() => dead),
      { heard: chunks.slice(0, 1) },
    );
    const held = () => world.sql('select key from speech_claims');
    await waitFor(async () => (await held()).length > 0, { what: 'a claim' });
    const heir = play();
    const answers = begin('dead', heir);
    await waitFor(() => heir.asked.length === CHUNKS - 1, { what: 'the other chunks' });
    await delay(100);
    assert.ok(!heir.asked.includes(0), 'it was asked although another one does');
    await world.sql(`update speech_claims set held_until = now() - interval '1 second'`);
    assert.deepEqual(textsOf(await answers), ALL);
    assert.equal(heir.asked.at(-1), 0);
    bury();
    await corpse;
  });

  it('keeps a claim only for its holder', async () => {
    const deps = { db, log };
    const inner = await withClaim(deps, 'k', async () => {
      await db.speechClaims.release('k', userId);
      return [
        await withClaim(deps, 'k', async () => 'taken twice'),
        await withClaim(deps, 'other', async () => 1),
      ];
    });
    assert.deepEqual(inner, [null, 1]);
    assert.equal(await withClaim(deps, 'k', async () => 'again'), 'again');
  });

  it('asks about so many chunks at a time in all, and begins none behind a failure', async () => {
    const inTurn = createTurns(() => LANES);
    const fake = play();
    await Promise.all(['a', 'b', 'c'].map((sha256) => begin(sha256, fake, { inTurn })));
    assert.deepEqual([fake.asked.length, fake.most()], [3 * CHUNKS, LANES]);
    const failing = play(async () => {
      throw new Error('refused');
    });
    await assert.rejects(begin('d', failing, { inTurn: createTurns(() => 1) }), /refused/);
    assert.equal(failing.asked.length, 1);
  });

  it('stops waiting for its turn when it is cancelled', async () => {
    const inTurn = createTurns(() => 1);
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const first = inTurn(() => end, new AbortController().signal);
    const controller = new AbortController();
    const second = inTurn(async () => assert.fail('it was begun'), controller.signal);
    controller.abort(new Error('cancelled'));
    await assert.rejects(second, /cancelled/);
    resolve();
    await first;
    assert.equal(await inTurn(async () => 'free', new AbortController().signal), 'free');
  });

  it('shows how much is answered, and all of it where nothing is heard', async () => {
    const shares: number[] = [];
    let kept = 0;
    const onShare = (share: number) => void shares.push(share);
    const noteProgress = () => {
      kept += 1;
    };
    await begin('share', play(), { onShare, noteProgress });
    assert.deepEqual([shares[0], shares.at(-1), shares.length, kept], [0, 1, CHUNKS + 1, CHUNKS]);
    await begin('share', play(), { onShare, noteProgress });
    assert.deepEqual([shares.at(-1), kept], [1, CHUNKS], 'what was stored is no progress');
    await begin('silence', play(), { onShare, heard: [] });
    assert.equal(shares.at(-1), 1);
  });

  it('asks again where a model is told something else, and only there', async () => {
    const ask = async (model: string, prompt: string) => {
      const fake = play();
      await begin('prompts', fake, { options: { model, prompt } });
      return fake.asked.length;
    };
    assert.deepEqual([await ask('whisper-1', 'one'), await ask('whisper-1', 'two')], [CHUNKS, CHUNKS]);
    const diarize = 'gpt-4o-transcribe-diarize';
    assert.deepEqual([await ask(diarize, 'one'), await ask(diarize, 'two')], [CHUNKS, 0]);
  });
});
