import type pg from 'pg';
import { newId } from '../src/db/ids.ts';
import { createDb } from '../src/db/index.ts';
import { hashToken, makeToken } from '../src/secrets/token.ts';
import { seededRandom } from '../test/support/stack.ts';

/** How much there is to search. */
export interface LibrarySize {
  users: number;
  videos: number;
  /** Of the one user who has many. */
  ofBiggest: number;
  /** Different transcripts; each is many videos' one, under other owners. */
  transcripts: number;
}

export interface Library {
  /** A token of each user; the first has the most videos. */
  tokens: string[];
  /** Words by how many of the transcripts hold them. */
  words: Record<WordKind, string[]>;
  /** Two words that are common each, and that follow each other in one transcript at least. */
  phrases: string[];
  /** How long it took to write one transcript and what searches find it by, in milliseconds. */
  writeMs: number[];
}

/** In one transcript of 2,000; in about one of a hundred; in half of them at least. */
export type WordKind = 'rare' | '1 %' | 'common';

const WORDS_SAID = 1500;
const WORDS_OF_SEGMENT = 12;
const VOCABULARY = 50_000;
const FIRST_INSTANT_MS = Date.UTC(2025, 0, 1);

/** Fills an empty database: transcripts through the program itself, and copies of what it made of them. */
export async function fillLibrary(
  { databaseUrl, client }: { databaseUrl: string; client: pg.Client },
  size: LibrarySize,
): Promise<Library> {
  const db = await createDb({ databaseUrl, poolMax: 2 });
  const random = seededRandom('library', 1);
  const userIds: string[] = [];
  const tokens: string[] = [];
  for (let made = 0; made < size.users; made += 1) {
    const scopes = ['read' as const];
    const user = await db.users.insert({ username: `u${made}`, passwordHash: 'none', name: null, scopes });
    const token = makeToken();
    await db.tokens.insert({ userId: user.id, name: null, hash: hashToken(token), scopes, expiresAt: null });
    userIds.push(user.id);
    tokens.push(token);
  }
  const holders = new Map<string, number>();
  const pairs: [string, string][] = [];
  const writeMs: number[] = [];
  const [owner = ''] = userIds;
  for (let made = 0; made < size.transcripts; made += 1) {
    const said = Array.from({ length: WORDS_SAID }, () => zipfWord(random.next()));
    for (const word of new Set(said)) holders.set(word, (holders.get(word) ?? 0) + 1);
    pairs.push(...said.slice(0, 40).map((word, at): [string, string] => [word, said[at + 1] ?? '']));
    const id = newId();
    const title = `${said[0]} ${said[700]} ${said[1400]}`;
    await db.transaction(({ videos }) =>
      videos.insert({
        ...{ id, userId: owner, userLabel: null, externalId: null, title, description: null, tags: [] },
        ...{ filename: null, contentType: 'video/mp4', sourceKey: `s/${id}`, sourceSha256: null },
        ...{ sizeBytes: 1, optionalSteps: [] },
      }),
    );
    const startedAt = performance.now();
    await db.transcripts.add({
      videoId: id,
      kind: 'machine',
      language: 'en',
      model: null,
      segments: segmentsOf(said),
    });
    writeMs.push(performance.now() - startedAt);
  }
  await db.close();
  await copyVideos(client, userIds, size);
  const words = byKind(holders, size.transcripts);
  const common = new Set(words.common);
  const phrases = pairs.filter((pair) => pair.every((word) => common.has(word)));
  return { tokens, words, phrases: phrases.map((pair) => pair.join(' ')), writeMs };
}

/** By Zipf's law: the word of rank r is said in proportion to 1 / r. */
const zipfWord = (chance: number): string => spell(Math.floor(VOCABULARY ** chance));

/** A word that can be spoken, another one for each number; short ones for those that are said often. */
function spell(rank: number): string {
  const syllables: string[] = [];
  // 7919 is prime, so that neighbours in rank are no neighbours in letters.
  let rest = rank < 300 ? (rank * 7919) % 4900 : (rank * 7919) % 343_000;
  for (let at = 0; at < (rank < 300 ? 2 : 3); at += 1) {
    syllables.push(`${'bdfgklmnprstvz'[rest % 14]}${'aeiou'[Math.floor(rest / 14) % 5]}`);
    rest = Math.floor(rest / 70);
  }
  return syllables.join('');
}

function segmentsOf(said: string[]) {
  return Array.from({ length: said.length / WORDS_OF_SEGMENT }, (_, at) => ({
    startSec: at * 5,
    endSec: at * 5 + 5,
    text: said.slice(at * WORDS_OF_SEGMENT, (at + 1) * WORDS_OF_SEGMENT).join(' '),
  }));
}

function byKind(holders: Map<string, number>, transcripts: number): Library['words'] {
  const between = (least: number, most: number) =>
    [...holders].filter(([, count]) => count >= least && count <= most).map(([word]) => word);
  return {
    rare: between(1, Math.max(1, transcripts * 0.0005)),
    '1 %': between(transcripts * 0.008, transcripts * 0.012),
    common: between(transcripts * 0.5, transcripts),
  };
}

/** Mixes the owners: the rows of one are spread over the whole table, as they are where many upload. */
async function copyVideos(client: pg.Client, userIds: string[], size: LibrarySize): Promise<void> {
  await client.query(`set maintenance_work_mem = '512MB'`);
  const { rows } = await client.query(
    `select indexdef from pg_indexes where indexname = 'search_documents_words'`,
  );
  await client.query('drop index search_documents_words');
  await client.query(
    `create temp table copies as
     select lpad(to_hex($1::bigint + i::bigint * 60000), 12, '0') as instant, i,
       (select array_agg(id order by id) from videos)[1 + i % $2] as model,
       ($3::uuid[])[case when (i * 7919::bigint) % $4 < $5 then 1 else 2 + (i * 104729::bigint) % ($6 - 1) end] as user_id
     from generate_series(0, $4::int - 1) i`,
    [FIRST_INSTANT_MS, size.transcripts, userIds, size.videos, size.ofBiggest, size.users],
  );
  await client.query(
    `alter table copies add id uuid;
     update copies set id = (substr(instant, 1, 8) || '-' || substr(instant, 9) || '-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid;`,
  );
  await client.query(
    `insert into videos (id, user_id, title, tags, status, created_at, ready_at, source_key, size_bytes, parents, streams)
     select c.id, c.user_id, v.title, v.tags, 'ready', to_timestamp(($1::bigint + i::bigint * 60000) / 1000.0), now(), 's/' || c.id, 1,
       v.parents, '[]' from copies c join videos v on v.id = c.model order by c.i`,
    [FIRST_INSTANT_MS],
  );
  for (const name of ['source', 'probe', 'thumbnail', 'storyboard', 'transcript'])
    await client.query(
      `insert into steps (id, video_id, name, state, percent, updated_at) select gen_random_uuid(), id, $1, 'succeeded', 100, now() from copies order by i`,
      [name],
    );
  await client.query(
    `insert into search_documents (video_id, words, segment_places, segments)
     select c.id, ts_delete(d.words, 'user:' || v.user_id) || array_to_tsvector(array['user:' || c.user_id]),
       d.segment_places, d.segments
     from copies c join search_documents d on d.video_id = c.model join videos v on v.id = c.model order by c.i`,
  );
  await client.query(
    `insert into search_rankings (video_id, ranking)
     select c.id, r.ranking from copies c join search_rankings r on r.video_id = c.model order by c.i`,
  );
  await client.query('delete from videos where id in (select model from copies)');
  await client.query(rows[0].indexdef);
  await client.query('vacuum analyze');
}
