import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Access } from './client.ts';
import { UsageError } from './failures.ts';

/** What the command finds around it. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  homeDir: string;
}

/** One place that may tell an address, a token, or both. */
interface Source {
  /** `folder` lies where the command happens to run, and may be somebody else's. */
  origin: 'flag' | 'environment' | 'file' | 'folder';
  /** For messages. */
  name: string;
  url: string | undefined;
  token: string | undefined;
}

const configShape = z.strictObject({ url: z.string().optional(), token: z.string().optional() });
/** What `npm start` writes for scripts, as far as it matters here. */
const localShape = z.object({ api_url: z.string(), token: z.string() });

const DIRECTORY = 'videoflow';

/** The person's own configuration file (XDG base directories). */
export const configFile = ({ env, homeDir }: Surroundings): string =>
  join(absoluteOr(env.XDG_CONFIG_HOME, join(homeDir, '.config')), DIRECTORY, 'config.json');

/** Where unfinished uploads are remembered (XDG base directories). */
export const stateDir = ({ env, homeDir }: Surroundings): string =>
  join(absoluteOr(env.XDG_STATE_HOME, join(homeDir, '.local', 'state')), DIRECTORY);

/** The specification: "If an implementation encounters a relative path … it should … ignore it." */
const absoluteOr = (value: string | undefined, fallback: string): string =>
  value?.startsWith('/') || /^[a-z]:\\/i.test(value ?? '') ? (value as string) : fallback;

/**
 * Finds the address and the token: flags, then environment, then the configuration file, then the
 * `.data/local.json` of an `npm start` in this folder.
 *
 * A token that lies in a file is only sent to that file's address, and no token of the person's is sent to
 * an address that merely lies in the current folder: entering a folder must not give anything away.
 *
 * @throws UsageError when one is missing, or a file cannot be read
 */
export function findAccess(flags: { url?: string; token?: string }, around: Surroundings): Access {
  const sources: Source[] = [
    { origin: 'flag', name: '--url', url: flags.url, token: flags.token },
    {
      origin: 'environment',
      name: 'VIDEOFLOW_URL',
      url: around.env.VIDEOFLOW_URL || undefined,
      token: around.env.VIDEOFLOW_TOKEN || undefined,
    },
    readConfigFile(configFile(around)),
    readLocalFile(join(around.cwd, '.data', 'local.json')),
  ];
  const chosen = sources.find(({ url }) => url !== undefined);
  if (chosen?.url === undefined) throw missing('address', '--url', 'VIDEOFLOW_URL', around);
  const url = normalizeUrl(chosen.url, chosen.name);
  const token = sources.find((source) => source.token !== undefined && mayUse(source, chosen, url))?.token;
  if (token === undefined) throw missing('token', '--token', 'VIDEOFLOW_TOKEN', around);
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError('The token holds characters that no token has');
  return { url, token };
}

function mayUse(source: Source, chosen: Source, url: string): boolean {
  if (source === chosen || source.origin === 'flag') return true;
  if (chosen.origin === 'folder') return false;
  return source.origin === 'environment' || source.url === undefined || isSame(source.url, url);
}

function isSame(one: string, other: string): boolean {
  try {
    return normalizeUrl(one, '') === other;
  } catch {
    return false;
  }
}

/** @throws UsageError */
function normalizeUrl(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new UsageError(`The address (${name}) must be like https://videos.example.com`);
  }
  // People copy the address with the version, as `npm start` shows it.
  return url.href.replace(/\/+$/, '').replace(/\/v1$/, '');
}

function missing(what: string, flag: string, variable: string, around: Surroundings): UsageError {
  return new UsageError(
    `No ${what} is known: give ${flag}, set ${variable}, or write it to ${configFile(around)}`,
  );
}

function readConfigFile(file: string): Source {
  const config = readJson(file, configShape);
  return { origin: 'file', name: file, url: config?.url, token: config?.token };
}

/** A file that is not of an `npm start` is none of our business. */
function readLocalFile(file: string): Source {
  let local: z.output<typeof localShape> | undefined;
  try {
    local = readJson(file, localShape);
  } catch {
    local = undefined;
  }
  return { origin: 'folder', name: file, url: local?.api_url, token: local?.token };
}

/** @throws UsageError for a file that is there and not as it should be; its content is not shown */
function readJson<Shape extends z.ZodType>(file: string, shape: Shape): z.output<Shape> | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(`${file} cannot be read`);
  }
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new UsageError(`${file} must be JSON with "url" and "token"`);
  }
}
