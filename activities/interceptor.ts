import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Log } from '../src/log.ts';
import { isCancelled, toFailure } from './failures.ts';

/**
 * Makes every activity, whichever it is, fail in our own words only: what a library says may hold
 * addresses, statements and paths, and the engine would keep it.
 */
export const translateFailures =
  (log: Log): ActivityInterceptorsFactory =>
  (context: Context) => ({
    inbound: {
      async execute(input, next) {
        try {
          return await next(input);
        } catch (error) {
          if (error instanceof ApplicationFailure || isCancelled(error)) throw error;
          const { activityType: activity, workflowExecution } = context.info;
          const [step] = input.args as [
            { videoId?: string; editId?: string; accountId?: string; requestId?: string } | undefined,
          ];
          const about = {
            module: 'activities',
            activity,
            workflowId: workflowExecution?.workflowId,
            videoId: step?.videoId,
            editId: step?.editId,
            accountId: step?.accountId,
            request_id: step?.requestId,
          };
          throw toFailure(error, log.child(about));
        }
      },
    },
  });
