import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { keepLog, readLogTail, shortenLogLine } from './childLog.ts';
import { createPart, type Part, type PartSpec } from './part.ts';
import { waitForYes } from './readiness.ts';
import { Refusal } from './refusal.ts';
import type { RunRecord } from './runRecord.ts';
import type { Environment } from './settings.ts';
import { spawnTied } from './spawnTied.ts';

const READY_MS = 90_000;
/** Between the end of a program's own grace and the moment it is killed. */
const GRACE_MARGIN_MS = 10_000;
/** So often may a part die before the stack is ready; then something is wrong that no restart cures. */
const DEATHS_AT_START = 3;

export interface ApplicationOptions {
  env: Environment;
  config: Config;
  apiUrl: string;
  dataDir: string;
  record: RunRecord;
  isVerbose: boolean;
  say(line: string): void;
}

const program = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/**
 * What Node is told for each program. A small young generation keeps memory flat: measured 180 instead of 300 MB for an
 * API that takes uploads, and about 80 MB less for a worker.
 */
export const PROGRAMS = {
  api: ['--max-semi-space-size=4', program('../server.ts')],
  worker: ['--max-semi-space-size=4', program('../worker.ts')],
};

/** Makes the two programs of videoflow itself as parts: `api` and `worker`. */
export function createApplication(options: ApplicationOptions): { api: Part; worker: Part } {
  const { record, say, config } = options;
  const graceMs = config.SHUTDOWN_GRACE_SEC * 1000 + GRACE_MARGIN_MS;
  return {
    api: createPart(describeProgram('api', graceMs, options), { record, say }),
    worker: createPart(describeProgram('worker', graceMs, options), { record, say }),
  };
}

function describeProgram(name: 'api' | 'worker', graceMs: number, options: ApplicationOptions): PartSpec {
  const { env, dataDir, say, isVerbose } = options;
  return {
    name,
    launch: async () => {
      const child = await spawnTied({
        command: process.execPath,
        args: PROGRAMS[name],
        onParentDeath: 'KILL',
        env,
      });
      const show = (line: string) => {
        const short = shortenLogLine(name, line, isVerbose);
        if (short) say(short);
      };
      keepLog(child, { file: join(dataDir, 'logs', `${name}.log`), show });
      return child;
    },
    stopSignals: [
      { signal: 'SIGTERM', waitMs: graceMs },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ],
  };
}

const healthShape = z.object({
  checks: z.record(z.string(), z.object({ ok: z.boolean(), message: z.string() })),
});

/**
 * What no start waits for: items that stood still while everything was off move again only after it, and without
 * room for uploads all the rest still works.
 */
const FORGIVEN = ['stuck', 'disk'];

/**
 * Waits until the API says that the whole system is well, and says what is not but does not keep it from starting.
 *
 * @throws Refusal with what is not well and the last lines of the part that does not come up
 */
export async function waitUntilHealthy(
  parts: Part[],
  { apiUrl, dataDir, say }: Pick<ApplicationOptions, 'apiUrl' | 'dataDir' | 'say'>,
  timeoutMs = READY_MS,
): Promise<void> {
  const gaveUp = new AbortController();
  let failed: { name: string; text: string }[] = [];
  const isHealthy = async () => {
    const failing = parts.find((part) => part.deaths >= DEATHS_AT_START);
    if (failing) gaveUp.abort(failing);
    const answer = await fetch(`${apiUrl}/health/system`, { signal: AbortSignal.timeout(5_000) });
    const { checks } = healthShape.parse(await answer.json());
    failed = Object.entries(checks).flatMap(([name, { ok, message }]) =>
      ok ? [] : [{ name, text: `${name} (${message})` }],
    );
    return failed.every(({ name }) => FORGIVEN.includes(name));
  };
  const describe = () => failed.map(({ text }) => text).join(', ');
  try {
    await waitForYes(isHealthy, { died: gaveUp.signal, timeoutMs, what: 'The API' });
    if (failed.length > 0) say(`Attention, not all is well: ${describe()}`);
  } catch (error) {
    const failing = gaveUp.signal.aborted ? (gaveUp.signal.reason as Part) : parts[0];
    const tail = readLogTail(join(dataDir, 'logs', `${failing?.name}.log`));
    const what = gaveUp.signal.aborted ? `${failing?.name} does not start` : (error as Error).message;
    const unwell = failed.length > 0 ? `. Not well: ${describe()}` : '';
    throw new Refusal(`${what}${unwell}. The last lines of its log:\n${tail}`);
  }
}
