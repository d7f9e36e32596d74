import { randomInt } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRingKey } from '../config.ts';
import { bundleWorkflows } from '../workflowBundle.ts';
import { type CheckOptions, checkSources, runTests } from './checks.ts';
import { createEspeakProbes, ensureEspeak } from './espeak.ts';
import type { Part } from './part.ts';
import { explainFailure } from './refusal.ts';
import { type Environment, previewConfig, readLocalSettings } from './settings.ts';
import { prepareDataDir, startFoundation } from './stack.ts';
import { onStopRequest } from './stopSignals.ts';
import { endStrays } from './strays.ts';
import { createTemplateDatabase } from './templateDatabase.ts';
import type { Counts } from './testCounts.ts';
import { makeTestFolder } from './testFolder.ts';
import { runAllTests } from './testLanes.ts';

const ALL_TESTS = 'test/**/*.test.ts';
const root = resolve(fileURLToPath(new URL('../../', import.meta.url)));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const interruption = new AbortController();

/** What must be given back at the end, whatever happened; the last one first. */
const cleanUps: (() => Promise<void> | void)[] = [];

async function cleanUp(): Promise<void> {
  for (const give of cleanUps.splice(0).toReversed()) {
    await Promise.resolve()
      .then(give)
      .catch((error: unknown) => say(`Cleaning up: ${explainFailure(error)}`));
  }
}

/** Starts the run's own Postgres and Temporal; gives the environment of the tests. */
async function prepareEnvironment(): Promise<Environment> {
  // Not `.env`: what a test run does must not depend on how this machine's stack is set up.
  const given: Environment = process.env;
  const folder = await makeTestFolder();
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  cleanUps.push(() => endStrays(folder));
  prepareDataDir(folder);
  const settings = readLocalSettings(given);
  const foundation = await startFoundation(
    {
      env: given,
      config: previewConfig(given),
      settings,
      dataDir: folder,
      isThrowAway: true,
      say,
      show: () => undefined,
    },
    (part: Part) => cleanUps.push(() => part.stop()),
  );
  await ensureEspeak(createEspeakProbes(say));
  interruption.signal.throwIfAborted();
  const template = await createTemplateDatabase(foundation.databaseUrl);
  cleanUps.push(template.drop);
  const seed = settings.SEED ?? randomInt(2 ** 31);
  say(`Seed: ${seed} (the same again with SEED=${seed} npm test)`);
  // Once for the many workers that the tests start.
  const bundle = join(folder, 'workflows.cjs');
  writeFileSync(bundle, await bundleWorkflows());
  const scratch = join(folder, 'tmp');
  mkdirSync(scratch);
  return {
    ...given,
    ...foundation.ffmpeg,
    NODE_ENV: 'test',
    DATABASE_URL: foundation.databaseUrl,
    TEMPORAL_ADDRESS: foundation.temporalAddress,
    SIGNING_KEYS: makeRingKey('t1'),
    ENCRYPTION_KEYS: makeRingKey('t1'),
    DATA_DIR: join(folder, 'data'),
    // What tests forget in the temporary folder goes with the run.
    TMPDIR: scratch,
    TEST_TEMPLATE_DATABASE: template.name,
    TEST_RUN_DIR: folder,
    WORKFLOW_BUNDLE: bundle,
    SEED: String(seed),
  };
}

async function runEverything(args: string[]): Promise<Counts> {
  const isWholeRun = args.length === 0;
  const env = await prepareEnvironment();
  const options: CheckOptions = { root, env, say, signal: interruption.signal };
  const failedChecks = isWholeRun ? await checkSources(options) : 0;
  const hasFiles = args.some((arg) => !arg.startsWith('-') && arg.endsWith('.ts'));
  const countsFolder = env.TEST_RUN_DIR ?? root;
  const counts = isWholeRun
    ? await runAllTests(ALL_TESTS, countsFolder, options)
    : await runTests(hasFiles ? args : [...args, ALL_TESTS], join(countsFolder, 'counts.json'), options);
  return { ...counts, failed: counts.failed + failedChecks };
}

onStopRequest(
  () => {
    say('Interrupted, cleaning up …');
    interruption.abort(new Error('The run was interrupted'));
  },
  () => process.exit(130),
);

let counts: Counts = { passed: 0, failed: 1, skipped: 0 };
try {
  counts = await runEverything(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`\n${explainFailure(error)}\n\n`);
}
await cleanUp();
say(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 || interruption.signal.aborted ? 1 : 0);
