import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** A tenth above what it had when there were nine workflows; the engine's own part is 460 KiB of it. */
const MAX_BYTES = 700 * 1024;

describe('rules: the workflow bundle', () => {
  it('stays small: an ORM, zod or an SDK that slips in would show', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
      logger: new DefaultLogger('ERROR'),
    });
    // The inline source map is most of what is produced and says nothing about what runs.
    const [runs = ''] = code.split('//# sourceMappingURL=', 1);
    const sizeBytes = Buffer.byteLength(runs);
    assert.ok(sizeBytes < MAX_BYTES, `the bundle has ${sizeBytes} bytes`);
  });
});
