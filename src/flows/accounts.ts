import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';
import { listOpen, parseIds } from './runs.ts';

/** Starts the check of one revision of an account's credentials unless it runs. */
export function checkAccount(client: Client, input: contract.CheckAccountInput) {
  const { accountId, userId, revision } = input;
  return client.workflow.start(contract.WORKFLOWS.checkAccount, {
    workflowId: contract.checkAccountId(accountId, revision),
    taskQueue: 'workflows',
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // One that ended without a word in the row is begun again by the reconciler; one that is repeated asks nobody.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Check the credentials of account ${accountId}`,
    typedSearchAttributes: [
      { key: contract.SEARCH_ATTRIBUTES.user, value: userId },
      { key: contract.SEARCH_ATTRIBUTES.account, value: accountId },
    ],
    priority: { priorityKey: contract.PRIORITY.laterStep, fairnessKey: userId },
  });
}

export const listOpenChecks = (client: Client) =>
  parseIds(listOpen(client, contract.WORKFLOWS.checkAccount), contract.parseCheckAccountId);
