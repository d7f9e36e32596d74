import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const MAX_BYTES = 1.8 * 1024 * 1024;

describe('rules: the workflow bundle', () => {
  it('stays small: an ORM, zod or an SDK that slips in would show', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
      logger: new DefaultLogger('ERROR'),
    });
    // The inline source map is most of what is produced and says nothing about what runs.
    const withMap = Buffer.byteLength(code);
    assert.ok(withMap < MAX_BYTES, `the bundle has ${withMap} bytes`);
  });
});
