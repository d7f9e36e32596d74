// A small program: fetches the Temporal server with the SDK's own download into the folder given first, in the
// version given second. `temporalProbes.ts` runs it apart because it starts the server once and has no time limit.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [folder = '.', version = 'default'] = process.argv.slice(2);
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir: folder, version, ttl: '3650 days' } },
});
await environment.teardown();
