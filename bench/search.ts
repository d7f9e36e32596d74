/**
 * How long a search takes over HTTP, beside the same list without words: `node bench/search.ts [--rounds 300] [--small]`.
 * 100 users with 100,000 videos, one of them with 20,000; each video has a transcript of 1,500 words, as unevenly
 * frequent as those of a language. A third of the words asked for are rare, a third are in 1 % of the videos, a third
 * are in half of them and more; beside them two such words in quotes, which the aim is not for. Each search has the list as its neighbour, so that both have the same weather.
 * Needs about 3 GB for its database, which it drops again. `--small` shows in seconds that all this still runs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { seededRandom } from '../test/support/stack.ts';
import { launchApi } from './api.ts';
import { startDatabase } from './postgres.ts';
import { fillLibrary, type Library, type WordKind } from './searchLibrary.ts';

const AIM_MS = 50;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '' }, small: { type: 'boolean', default: false } },
});
const size = values.small
  ? { users: 10, videos: 1000, ofBiggest: 200, transcripts: 100 }
  : { users: 100, videos: 100_000, ofBiggest: 20_000, transcripts: 2000 };
const rounds = Number(values.rounds || (values.small ? 5 : 300));

const say = (line: string) => void process.stdout.write(`${line}\n`);

type Asker = 'anybody' | 'the biggest';
const ASKERS: Asker[] = ['anybody', 'the biggest'];
const KINDS: WordKind[] = ['rare', '1 %', 'common'];
const PHRASE = 'phrase';
type Kind = WordKind | typeof PHRASE;

interface Answered {
  asker: Asker;
  kind: Kind;
  ms: number;
  listMs: number;
  found: number;
  isTruncated: boolean;
}

const random = seededRandom('searches', 1);

async function ask(url: string, token: string, query: string): Promise<{ ms: number; body: Page }> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/v1/videos${query}`, { headers: { authorization: `Bearer ${token}` } });
  const body = (await response.json()) as Page;
  if (response.status !== 200) throw new Error(`The search was answered ${JSON.stringify(body)}`);
  return { ms: performance.now() - startedAt, body };
}

interface Page {
  data: unknown[];
  truncated?: boolean;
}

async function askOnce(url: string, library: Library, asker: Asker, kind: Kind): Promise<Answered> {
  const token = (asker === 'anybody' ? random.pick(library.tokens) : library.tokens[0]) ?? '';
  const list = await ask(url, token, '');
  const words = kind === PHRASE ? `"${random.pick(library.phrases)}"` : random.pick(library.words[kind]);
  const { ms, body } = await ask(url, token, `?${new URLSearchParams({ q: words })}`);
  return { asker, kind, ms, listMs: list.ms, found: body.data.length, isTruncated: body.truncated === true };
}

async function askAll(url: string, library: Library, times: number): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (let round = 0; round < times; round += 1)
    for (const asker of ASKERS)
      for (const kind of [...KINDS, PHRASE] as const) answers.push(await askOnce(url, library, asker, kind));
  return answers;
}

const percentile = (numbers: number[], share: number): number =>
  Number((numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * share) - 1] ?? Number.NaN).toFixed(1));

function toRow(asker: Asker, kind: Kind | 'all', answers: Answered[]) {
  const ms = answers.map((answer) => answer.ms);
  const p95 = percentile(ms, 0.95);
  const mean = answers.reduce((sum, { found }) => sum + found, 0) / answers.length;
  return {
    ...{ asker, words: kind, 'ms, p50': percentile(ms, 0.5), p95, p99: percentile(ms, 0.99) },
    'list p95': percentile(
      answers.map(({ listMs }) => listMs),
      0.95,
    ),
    'on the page': Number(mean.toFixed(1)),
    truncated: answers.filter(({ isTruncated }) => isTruncated).length,
    verdict: kind === PHRASE ? 'no aim' : p95 < AIM_MS ? 'as aimed' : 'falls short',
  };
}

const folder = mkdtempSync(join(tmpdir(), 'videoflow-bench-'));
const database = await startDatabase(folder);
const client = new pg.Client({ connectionString: database.url });
try {
  await client.connect();
  say(
    `${size.users} users, ${size.videos} videos, ${size.ofBiggest} of one user; ${rounds} searches of each kind`,
  );
  const library = await fillLibrary({ databaseUrl: database.url, client }, size);
  const [sizes] = (
    await client.query(`select pg_size_pretty(pg_table_size('search_documents') + pg_table_size('search_rankings')) as documents,
      pg_size_pretty(pg_relation_size('search_documents_words')) as index`)
  ).rows;
  say(`documents ${sizes.documents}, index ${sizes.index}`);
  say(
    `writing a transcript: p50 ${percentile(library.writeMs, 0.5)} ms, p95 ${percentile(library.writeMs, 0.95)} ms`,
  );
  const api = await launchApi({
    databaseUrl: database.url,
    dataDir: join(folder, 'api'),
    storageDir: join(folder, 'storage'),
  });
  try {
    await askAll(api.url, library, Math.ceil(rounds / 5));
    const answers = await askAll(api.url, library, rounds);
    const of = (asker: Asker, ...kinds: Kind[]) =>
      answers.filter((answer) => answer.asker === asker && kinds.includes(answer.kind));
    console.table(
      ASKERS.flatMap((asker) => [
        ...KINDS.map((kind) => toRow(asker, kind, of(asker, kind))),
        toRow(asker, 'all', of(asker, ...KINDS)),
        toRow(asker, PHRASE, of(asker, PHRASE)),
      ]),
    );
  } finally {
    api.child.kill();
  }
} finally {
  await client.end();
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}
