import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { keepLog } from './childLog.ts';
import type { PartSpec } from './part.ts';
import { choosePort } from './ports.ts';
import { findPostgresHome, handTo, type PostgresHome } from './postgresHome.ts';
import { clearPostmasterFile } from './postgresLeftover.ts';
import { waitForLine } from './readiness.ts';
import { Refusal } from './refusal.ts';
import { spawnTied } from './spawnTied.ts';
import { readState, writeState } from './stateFiles.ts';

const SUPERUSER = 'videoflow';
const DATABASE = 'videoflow';
const READY_MS = 60_000;

const accessShape = z.object({ password: z.string().min(16), port: z.number().int() });

export interface PostgresOptions {
  dataDir: string;
  logFile: string;
  /** POSTGRES_PORT: nothing else will do. */
  pinnedPort: number | undefined;
  /** Gives up what only matters when the machine loses power: for throw-away clusters. */
  isThrowAway: boolean;
  say(line: string): void;
  show(line: string): void;
}

export interface PreparedPostgres {
  url: string;
  part: PartSpec;
}

/**
 * Makes the cluster ready to start: a place its user can reach, the cluster itself when there is none, a password
 * and a port that stay the same, nobody left over from a former run.
 *
 * @throws Refusal when it cannot run here, with the way out
 */
export async function preparePostgres(options: PostgresOptions): Promise<PreparedPostgres> {
  const { dataDir, isThrowAway, say } = options;
  const home = await findPostgresHome(options);
  const cluster = join(home.parentDir, 'postgres');
  const accessFile = join(dataDir, 'postgres.json');
  const known = accessShape.safeParse(readState(accessFile)).data;
  const password = known?.password ?? randomBytes(24).toString('base64url');
  // The data folder was removed to begin anew, but the cluster had to live elsewhere.
  const isForgotten = home.parentDir !== resolve(dataDir) && !existsSync(accessFile);
  if (existsSync(cluster) && !isForgotten) {
    checkVersion(home, cluster);
    await clearPostmasterFile(cluster, say);
    if (!known) runSingleUser(home, cluster, setPassword(password));
  } else {
    say('Postgres: creating the database');
    await removeCluster(cluster, say);
    createCluster({ home, cluster, password, isThrowAway });
  }
  const port = await choosePort({
    what: 'Postgres',
    variable: 'POSTGRES_PORT',
    pinned: options.pinnedPort,
    liked: isThrowAway ? [] : [known?.port, 5432],
  });
  writeState(accessFile, { password, port });
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${DATABASE}`;
  return { url, part: describePart({ home, cluster, port, options }) };
}

async function removeCluster(cluster: string, say: (line: string) => void): Promise<void> {
  if (!existsSync(cluster)) return;
  await clearPostmasterFile(cluster, say);
  rmSync(cluster, { recursive: true, force: true });
}

const setPassword = (password: string) => `ALTER ROLE ${SUPERUSER} PASSWORD '${password}';\n`;

interface NewCluster {
  home: PostgresHome;
  cluster: string;
  password: string;
  isThrowAway: boolean;
}

/**
 * Makes a cluster beside its place and moves it there when it is whole: one that a crash cut off is never found.
 * The locale is Unicode by code points, the same on every system; access is by password from this machine alone.
 */
function createCluster({ home, cluster, password, isThrowAway }: NewCluster): void {
  const draft = `${cluster}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  handTo(draft, home.user);
  const { status, stderr } = spawnSync(join(home.binDir, 'initdb'), initdbArguments(draft, isThrowAway), {
    ...home.user,
    cwd: draft,
    encoding: 'utf8',
    env: bareEnvironment(),
  });
  if (status !== 0) throw new Refusal(`Postgres could not create its cluster:\n${stderr.trim()}`);
  writeFileSync(join(draft, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n', {
    flush: !isThrowAway,
  });
  runSingleUser(home, draft, `${setPassword(password)}CREATE DATABASE ${DATABASE};\n`);
  renameSync(draft, cluster);
}

/** What initdb is told. Only a throw-away cluster may be moved to its place before it is on the disk. */
export const initdbArguments = (folder: string, isThrowAway: boolean): string[] => [
  `--pgdata=${folder}`,
  `--username=${SUPERUSER}`,
  '--auth=trust',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  ...(isThrowAway ? ['--no-sync'] : []),
];

/** Runs statements with no server and no password: Postgres' single-user mode, one statement a line. */
function runSingleUser(home: PostgresHome, cluster: string, statements: string): void {
  const { status, stderr } = spawnSync(
    join(home.binDir, 'postgres'),
    ['--single', '-j', '-D', cluster, 'template1'],
    {
      ...home.user,
      cwd: cluster,
      encoding: 'utf8',
      env: bareEnvironment(),
      input: statements.replaceAll('\n', '\n\n'),
    },
  );
  if (status !== 0 || /^.*(ERROR|FATAL|PANIC):/m.test(stderr)) {
    throw new Refusal(`Postgres could not set up its cluster:\n${stderr.trim()}`);
  }
}

/** The locale of the terminal and PG… variables of the user must not decide how the cluster behaves. */
const bareEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' });

function checkVersion(home: PostgresHome, cluster: string): void {
  const { stdout } = spawnSync(join(home.binDir, 'postgres'), ['--version'], { encoding: 'utf8' });
  const program = /(\d+)\./.exec(stdout)?.[1];
  const data = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  if (program === data) return;
  throw new Refusal(
    `The data in ${cluster} is of Postgres ${data}, the installed one is ${program}. ` +
      'Move it with pg_dump of the older one, or move the folder away to begin anew.',
  );
}

interface PartFacts {
  home: PostgresHome;
  cluster: string;
  port: number;
  options: PostgresOptions;
}

function describePart({ home, cluster, port, options }: PartFacts): PartSpec {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A refused statement holds the values of the row: titles, hashes of passwords.
    log_min_error_statement: 'panic',
    ...(options.isThrowAway && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return {
    name: 'postgres',
    launch: async () => {
      await clearPostmasterFile(cluster, options.say);
      const child = await spawnTied({
        command: join(home.binDir, 'postgres'),
        args: ['-D', cluster, '-p', String(port), ...flags],
        onParentDeath: 'INT',
        cwd: cluster,
        env: bareEnvironment(),
        ...home.user,
      });
      keepLog(child, { file: options.logFile, show: options.show });
      return child;
    },
    waitUntilReady: (child, died) =>
      waitForLine(child.stderr, /ready to accept connections/, {
        died,
        timeoutMs: READY_MS,
        what: 'Postgres',
      }),
    // Fast shutdown, immediate shutdown, and what cannot be refused.
    stopSignals: [
      { signal: 'SIGINT', waitMs: 15_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ],
  };
}
