import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { readLogTail } from './childLog.ts';
import { checkDiskSpace } from './diskSpace.ts';
import { createFfmpegProbes, ensureFfmpeg, type FfmpegPaths } from './ffmpeg.ts';
import { createPart, type Part, type PartSpec } from './part.ts';
import { preparePostgres } from './postgres.ts';
import { Refusal } from './refusal.ts';
import { openRunRecord, type RunRecord } from './runRecord.ts';
import type { Environment, LocalSettings } from './settings.ts';
import { prepareTemporal } from './temporal.ts';
import { prepareNamespace } from './temporalNamespace.ts';

export interface StackOptions {
  env: Environment;
  config: Config;
  settings: LocalSettings;
  /** Where state lives: the data folder, or the throw-away folder of a test run. */
  dataDir: string;
  isThrowAway: boolean;
  say(line: string): void;
  /** Shows a line of a part's own log where everything is to be shown. */
  show(name: string, line: string): void;
}

/** Postgres and Temporal, running or replaced by the addresses given. */
export interface Foundation {
  databaseUrl: string;
  temporalAddress: string;
  temporalUiUrl: string;
  ffmpeg: FfmpegPaths;
  /** In the order they were started. */
  parts: Part[];
  record: RunRecord;
}

/** Makes the data folder: Postgres' own user must be able to pass through it, the files in it are 0600. */
export function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(join(dataDir, 'logs'), { recursive: true });
    chmodSync(dataDir, 0o711);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refusal(
      `The data folder ${dataDir} cannot be used (${reason}). Choose another one with DATA_DIR.`,
    );
  }
  checkDiskSpace(dataDir);
}

/**
 * Brings up what server and worker stand on: ffmpeg, Postgres and Temporal.
 *
 * @param started receives each part as soon as it is started, so that a failure later on can stop it
 * @throws Refusal when something is missing, with the way out
 */
export async function startFoundation(
  options: StackOptions,
  started: (part: Part) => void,
): Promise<Foundation> {
  const { config, dataDir, say } = options;
  const programs = { ffmpeg: config.FFMPEG_PATH, ffprobe: config.FFPROBE_PATH };
  const ffmpeg = await ensureFfmpeg(programs, createFfmpegProbes(say));
  const record = openRunRecord(join(dataDir, 'run.json'));
  const ended = await record.endLeftovers();
  if (ended.length > 0) say(`Ended what a former run left behind: ${ended.join(', ')}`);
  const parts: Part[] = [];
  const context: StartContext = {
    options,
    record,
    started: (part) => {
      parts.push(part);
      started(part);
    },
  };
  // Neither needs the other: both at once.
  const [databaseUrl, temporal] = await settleBoth(startPostgres(context), startTemporal(context));
  return { databaseUrl, ...temporal, ffmpeg, parts, record };
}

/** Waits for both, also when one fails: what the other one starts meanwhile must be known before all is stopped. */
async function settleBoth<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
}

interface StartContext {
  options: StackOptions;
  record: RunRecord;
  started(part: Part): void;
}

async function startPart(spec: PartSpec, { options, record, started }: StartContext): Promise<void> {
  const part = createPart(spec, { record, say: options.say });
  started(part);
  try {
    await part.start();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const tail = readLogTail(join(options.dataDir, 'logs', `${spec.name}.log`));
    throw new Refusal(`${reason}. The last lines of its log:\n${tail}`);
  }
}

async function startPostgres({ options, record, started }: StartContext): Promise<string> {
  const { env, settings, dataDir, isThrowAway, say, show } = options;
  if (env.DATABASE_URL) {
    say('Postgres: using DATABASE_URL');
    return env.DATABASE_URL;
  }
  const { url, part: spec } = await preparePostgres({
    dataDir,
    logFile: join(dataDir, 'logs', 'postgres.log'),
    pinnedPort: isThrowAway ? undefined : settings.POSTGRES_PORT,
    isThrowAway,
    say,
    show: (line) => show('postgres', line),
  });
  await startPart(spec, { options, record, started });
  say(`Postgres: ready on ${new URL(url).host}`);
  return url;
}

async function startTemporal({ options, record, started }: StartContext) {
  const { env, config, settings, dataDir, isThrowAway, say, show } = options;
  const { TEMPORAL_NAMESPACE: namespace, TEMPORAL_RETENTION_DAYS: retentionDays } = config;
  if (env.TEMPORAL_ADDRESS) {
    const address = env.TEMPORAL_ADDRESS;
    say(`Temporal: using ${address}`);
    const died = AbortSignal.timeout(60_000);
    await prepareNamespace({ address, namespace, retentionDays, died });
    return { temporalAddress: address, temporalUiUrl: settings.TEMPORAL_UI_URL ?? '' };
  }
  const {
    address,
    uiUrl,
    part: spec,
  } = await prepareTemporal({
    dataDir,
    logFile: join(dataDir, 'logs', 'temporal.log'),
    env,
    namespace,
    retentionDays,
    pinnedPort: isThrowAway ? undefined : settings.TEMPORAL_PORT,
    pinnedUiPort: isThrowAway ? undefined : settings.TEMPORAL_UI_PORT,
    isThrowAway,
    say,
    show: (line) => show('temporal', line),
  });
  await startPart(spec, { options, record, started });
  say(`Temporal: ready on ${address}, Web UI at ${uiUrl}`);
  return { temporalAddress: address, temporalUiUrl: uiUrl };
}
