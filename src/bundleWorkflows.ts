import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A program: writes the code of all workflows to standard output, in one piece. */
const { code } = await bundleWorkflowCode({
  workflowsPath: here('../workflows/index.ts'),
  failureConverterPath: here('../workflows/failureConverter.ts'),
  logger: new DefaultLogger('ERROR'),
});
process.stdout.write(code);
