import type { StoredError } from '../src/db/storedError.ts';
import type { RunState } from '../src/flows.ts';

/** How a row ends whose run closed without settling it; a cancelled one has no error. */
export const ERROR_BY_END: Partial<Record<RunState, StoredError>> = {
  terminated: {
    code: 'ended_by_operator',
    message: 'An operator ended the processing; retry to begin again',
    retryable: true,
  },
  failed: {
    code: 'workflow_failed',
    message: 'The processing ended unexpectedly; retry to begin again',
    retryable: true,
  },
};
