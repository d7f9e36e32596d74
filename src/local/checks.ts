import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Environment } from './settings.ts';
import { spawnTied } from './spawnTied.ts';
import { type Counts, readCounts } from './testCounts.ts';

/** After the last test its process has this long to end by itself. */
const LINGER_MS = 15_000;

export interface CheckOptions {
  root: string;
  env: Environment;
  say(line: string): void;
  /** Ends what runs when the person at the terminal gives up. */
  signal: AbortSignal;
}

async function run(command: string, args: string[], { root, env, signal }: CheckOptions) {
  signal.throwIfAborted();
  const child = await spawnTied({ command, args, cwd: root, env, onParentDeath: 'KILL', isForeground: true });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end);
  const ended = once(child, 'exit').then(([code]) => {
    signal.removeEventListener('abort', end);
    return code as number | null;
  });
  return { child, ended };
}

/** Runs the type checks and the linter over the whole project; gives how many of the checks failed. */
export async function checkSources(options: CheckOptions): Promise<number> {
  const bin = join(options.root, 'node_modules', '.bin');
  const checks: [string, string, string[]][] = [
    ['Type check', 'tsc', ['--noEmit']],
    // Knows the browser and nothing of Node.
    ['Type check of the player', 'tsc', ['--noEmit', '--project', 'src/http/shares/player/client']],
    ['Lint', 'biome', ['check', '--error-on-warnings', '.']],
  ];
  let failed = 0;
  for (const [name, program, args] of checks) {
    options.say(`${name} …`);
    const { ended } = await run(join(bin, program), args, options);
    const code = await ended;
    if (code !== 0) {
      failed += 1;
      options.say(`${name} FAILED`);
    }
  }
  return failed;
}

/** Runs mocha over the given arguments and gives its counts, which `readCounts` explains. */
export async function runTests(args: string[], countsFile: string, options: CheckOptions): Promise<Counts> {
  const mocha = join(options.root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const env = { ...options.env, TEST_COUNTS_FILE: countsFile };
  const { child, ended } = await run(process.execPath, [mocha, ...args], { ...options, env });
  const watch = endLingering(countsFile, child, options.say);
  const exitCode = await ended;
  watch.abort();
  const files = globSync(
    args.filter((arg) => arg.endsWith('.ts')),
    { cwd: options.root },
  );
  const hasLingered = watch.signal.reason?.lingered === true;
  // Who gave the run up knows that most of it is missing.
  const say = options.signal.aborted ? () => undefined : options.say;
  return readCounts({ countsFile, files, exitCode, hasLingered }, say);
}

/** A test that leaves a connection open must not hold the run for ever; it is named as what it is. */
function endLingering(
  countsFile: string,
  child: { kill(signal: NodeJS.Signals): boolean },
  say: (line: string) => void,
): AbortController {
  const ended = new AbortController();
  const watch = async () => {
    while (!existsSync(countsFile)) await delay(500, undefined, { signal: ended.signal, ref: false });
    await delay(LINGER_MS, undefined, { signal: ended.signal, ref: false });
    say('The tests are over but something they opened keeps the process alive: ending it.');
    ended.abort({ lingered: true });
    child.kill('SIGKILL');
  };
  watch().catch(() => undefined);
  return ended;
}
