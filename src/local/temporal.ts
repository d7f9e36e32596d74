import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { keepLog } from './childLog.ts';
import type { PartSpec } from './part.ts';
import { choosePort } from './ports.ts';
import { waitForYes } from './readiness.ts';
import { spawnTied } from './spawnTied.ts';
import { readState, writeState } from './stateFiles.ts';
import { findTemporalExecutable } from './temporalExecutable.ts';
import { answersAt, prepareNamespace, SEARCH_ATTRIBUTES } from './temporalNamespace.ts';
import { createTemporalProbes } from './temporalProbes.ts';

const READY_MS = 60_000;
const DATABASE_FILE = 'temporal.db';
const portsShape = z.object({ port: z.number().int(), uiPort: z.number().int() });

export interface TemporalOptions {
  dataDir: string;
  logFile: string;
  env: Record<string, string | undefined>;
  namespace: string;
  retentionDays: number;
  /** TEMPORAL_PORT and TEMPORAL_UI_PORT: nothing else will do. */
  pinnedPort: number | undefined;
  pinnedUiPort: number | undefined;
  /** Takes any free ports instead of those people expect. */
  isThrowAway: boolean;
  say(line: string): void;
  show(line: string): void;
}

export interface PreparedTemporal {
  address: string;
  uiUrl: string;
  part: PartSpec;
}

/**
 * Makes a Temporal server ready to start: its executable and ports that stay the same from start to start.
 *
 * @throws Refusal when there is no server to run, or a pinned port is taken
 */
export async function prepareTemporal(options: TemporalOptions): Promise<PreparedTemporal> {
  const { dataDir, env, say, isThrowAway } = options;
  const executable = await findTemporalExecutable(createTemporalProbes({ env, say }));
  const file = join(dataDir, 'temporal.json');
  const known = portsShape.safeParse(readState(file)).data;
  const port = await choosePort({
    what: 'Temporal',
    variable: 'TEMPORAL_PORT',
    pinned: options.pinnedPort,
    liked: isThrowAway ? [] : [known?.port, 7233],
  });
  const uiPort = await choosePort({
    what: "Temporal's Web UI",
    variable: 'TEMPORAL_UI_PORT',
    pinned: options.pinnedUiPort,
    liked: isThrowAway ? [] : [known?.uiPort, 8233],
  });
  writeState(file, { port, uiPort });
  const address = `127.0.0.1:${port}`;
  return {
    address,
    uiUrl: `http://localhost:${uiPort}`,
    part: describePart({ executable, port, uiPort, address, options }),
  };
}

interface PartFacts {
  executable: string;
  port: number;
  uiPort: number;
  address: string;
  options: TemporalOptions;
}

/** Gives the arguments of the server: loopback only, a database file, fairness on, our search attributes. */
export function buildServerArgs(facts: { port: number; uiPort: number; dataDir: string }): string[] {
  const { port, uiPort, dataDir } = facts;
  return [
    'server',
    'start-dev',
    ...['--ip', '127.0.0.1', '--port', String(port)],
    ...['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)],
    ...['--db-filename', join(dataDir, DATABASE_FILE)],
    // Otherwise every hop of a workflow waits for the disk several times. A kill loses nothing; a power cut may
    // take the last moments with it, and the reconciler brings those runs to an end.
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ...['--log-level', 'warn'],
    // Without it the fairness keys of the activities change nothing, and nothing says so.
    ...['--dynamic-config-value', 'matching.enableFairness=true'],
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

/** The histories are in the file and in its log, and the server makes them readable by everybody. */
function restrictDatabase(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith(DATABASE_FILE)) chmodSync(join(dataDir, name), 0o600);
  }
}

function describePart({ executable, port, uiPort, address, options }: PartFacts): PartSpec {
  const { dataDir, logFile, show, namespace, retentionDays } = options;
  return {
    name: 'temporal',
    launch: async () => {
      const child = await spawnTied({
        command: executable,
        args: buildServerArgs({ port, uiPort, dataDir }),
        // It keeps what it acknowledged through a SIGKILL; a slow end would stand in the way of the next start.
        onParentDeath: 'KILL',
        env: process.env,
        cwd: dataDir,
      });
      keepLog(child, { file: logFile, show });
      return child;
    },
    // At every start, not only the first: its database file may have been deleted in between.
    waitUntilReady: async (_child, died) => {
      await waitForYes(() => answersAt(address), { died, timeoutMs: READY_MS, what: 'Temporal' });
      restrictDatabase(dataDir);
      await prepareNamespace({ address, namespace, retentionDays, died });
    },
    stopSignals: [
      { signal: 'SIGTERM', waitMs: 10_000 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ],
  };
}
