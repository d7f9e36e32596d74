import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { previewConfig, readLocalSettings } from '../src/local/settings.ts';
import { prepareDataDir, startFoundation } from '../src/local/stack.ts';
import { createTemplateDatabase } from '../src/local/templateDatabase.ts';
import { makeTestFolder } from '../src/local/testFolder.ts';

export interface BenchStack {
  stop(): Promise<void>;
}

/**
 * Brings up Postgres and Temporal as `npm test` does, of the benchmark's own unless DATABASE_URL and
 * TEMPORAL_ADDRESS name others, and puts what `startTestEngine` reads into the environment.
 */
export async function startBenchStack(say: (line: string) => void): Promise<BenchStack> {
  const given = process.env;
  const folder = await makeTestFolder();
  const undo: (() => Promise<void> | void)[] = [
    () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  ];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    prepareDataDir(folder);
    const foundation = await startFoundation(
      {
        env: given,
        config: previewConfig(given),
        settings: readLocalSettings(given),
        dataDir: folder,
        isThrowAway: true,
        say,
        show: () => undefined,
      },
      (part) => undo.push(() => part.stop()),
    );
    const template = await createTemplateDatabase(foundation.databaseUrl);
    undo.push(template.drop);
    const scratch = join(folder, 'tmp');
    mkdirSync(scratch);
    Object.assign(process.env, {
      DATABASE_URL: foundation.databaseUrl,
      TEMPORAL_ADDRESS: foundation.temporalAddress,
      TEST_TEMPLATE_DATABASE: template.name,
      TMPDIR: scratch,
    });
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
