import { Refusal } from './refusal.ts';

/** The pinned release of the Temporal CLI, which holds the server and its Web UI. */
export const TEMPORAL_VERSION = '1.8.2';

/** What the search for a Temporal server may do; given by name so that its order can be tested. */
export interface TemporalProbes {
  /** The executable in the user's cache folder, there or not. */
  cachedPath: string;
  findOnPath(): string | undefined;
  exists(path: string): boolean;
  /** The first line of `--version`, or undefined when the program does not run. */
  readVersion(path: string): string | undefined;
  remove(path: string): void;
  /** Fetches the pinned release to `cachedPath`; false when the download host cannot be reached. */
  download(): Promise<boolean>;
  hasGo(): boolean;
  /** Builds the pinned release to `cachedPath`; the last lines of the compiler when it fails. */
  build(): Promise<{ ok: true } | { ok: false; reason: string }>;
  say(line: string): void;
}

/**
 * Finds a Temporal server to run: on PATH, in the user's cache, by download, by building it, in this order.
 *
 * @throws Refusal with one sentence when there is none of them
 */
export async function findTemporalExecutable(probes: TemporalProbes): Promise<string> {
  return findOnPath(probes) ?? findInCache(probes) ?? (await download(probes)) ?? (await build(probes));
}

function findOnPath({ findOnPath, readVersion, say }: TemporalProbes): string | undefined {
  const path = findOnPath();
  if (!path) return undefined;
  const version = readVersion(path);
  if (version) {
    say(`Temporal: using ${path} (${version})`);
    return path;
  }
  say(`Temporal: ${path} does not run, looking further`);
  return undefined;
}

function findInCache({ cachedPath, exists, readVersion, remove, say }: TemporalProbes): string | undefined {
  if (!exists(cachedPath)) return undefined;
  if (readVersion(cachedPath)) return cachedPath;
  say(`Temporal: the cached program ${cachedPath} does not run, it is removed and fetched anew`);
  remove(cachedPath);
  return undefined;
}

async function download(probes: TemporalProbes): Promise<string | undefined> {
  const { cachedPath, say } = probes;
  say(`Temporal: downloading the server (CLI ${TEMPORAL_VERSION}) to ${cachedPath}`);
  if (await probes.download()) {
    if (probes.readVersion(cachedPath)) return cachedPath;
    probes.remove(cachedPath);
    say('Temporal: the downloaded program does not run here');
    return undefined;
  }
  say('Temporal: the download host cannot be reached');
  return undefined;
}

async function build(probes: TemporalProbes): Promise<string> {
  const { cachedPath, say, hasGo } = probes;
  const ways =
    `Install the Temporal CLI ${TEMPORAL_VERSION} on PATH, or Go 1.26.4 or newer, or set TEMPORAL_ADDRESS to a ` +
    'running server, then start again.';
  if (!hasGo()) throw new Refusal(`There is no Temporal server to run. ${ways}`);
  say(
    'Temporal: building the server from its Go modules; this takes about four minutes, once for this user …',
  );
  const startedAt = Date.now();
  const built = await probes.build();
  if (!built.ok) throw new Refusal(`The Temporal server could not be built:\n${built.reason}\n${ways}`);
  if (!probes.readVersion(cachedPath))
    throw new Refusal(`The Temporal server that was built does not run. ${ways}`);
  say(`Temporal: built in ${Math.round((Date.now() - startedAt) / 1000)} s, kept at ${cachedPath}`);
  return cachedPath;
}
