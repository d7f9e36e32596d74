import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { HousekeepInput, HousekeepingReport } from './contract.ts';
import { inWords, sweeping, tidying } from './policies.ts';

const { endOverdueUploads } = proxyActivities<Activities>(
  inWords(sweeping, 'End uploads whose time is over'),
);
const { findOrphans } = proxyActivities<Activities>(inWords(sweeping, 'Find objects without a row'));
const { judgeOrphans } = proxyActivities<Activities>(inWords(sweeping, 'Ask whether so many may go'));
const { removeOrphans } = proxyActivities<Activities>(inWords(sweeping, 'Remove objects without a row'));
const { removeEndedRows } = proxyActivities<Activities>(inWords(tidying, 'Remove rows that ran out'));
const { sweepScratch } = proxyActivities<Activities>(inWords(sweeping, 'Sweep the scratch folder'));
const { logHousekeeping } = proxyActivities<Activities>(inWords(tidying, 'Write the report into the log'));

type Pass = Required<HousekeepInput> & { seenAt: string };

/**
 * Removes once what nobody needs any more, and reports it. Its parts know nothing of each other: one that
 * fails is told in the report and keeps no other from its work. What is not managed is for the next one.
 */
export async function housekeep(input: HousekeepInput): Promise<HousekeepingReport> {
  const { dryRun = false, force = false } = input;
  const seenAt = new Date().toISOString();
  const pass = { dryRun, force, seenAt };
  const { attempt, failures } = followParts();
  const expiredUploads = await attempt('expired uploads', () => endOverdueUploads({ seenAt, dryRun }));
  const orphans = await attempt('orphans', () => dealWithOrphans(pass));
  const rows = await attempt('rows', () => removeEndedRows({ dryRun }));
  const scratchFolders = dryRun ? null : await attempt('scratch', () => sweepScratch());
  const report: HousekeepingReport = {
    id: workflowInfo().workflowId.replace(/^housekeep\//, ''),
    dryRun,
    forced: force,
    startedAt: seenAt,
    endedAt: new Date().toISOString(),
    expiredUploads,
    orphans,
    rows,
    scratchFolders,
    failures,
  };
  setCurrentDetails(inMarkdown(report));
  await logHousekeeping(report);
  return report;
}

async function dealWithOrphans({ seenAt, dryRun, force }: Pass): Promise<HousekeepingReport['orphans']> {
  const counts = await findOrphans({ seenAt, dryRun });
  const stopped = force || counts.due === 0 ? null : await judgeOrphans({ due: counts.due });
  const isIdle = dryRun || stopped !== null || counts.due === 0;
  const result = isIdle ? { removed: 0, failed: 0 } : await removeOrphans({ seenAt });
  return { ...counts, ...result, stopped };
}

/** Runs the parts one after the other, shows which one is at work, and keeps what went wrong. */
function followParts() {
  const failures: HousekeepingReport['failures'] = [];
  const attempt = async <Result>(part: string, work: () => Promise<Result>): Promise<Result | null> => {
    setCurrentDetails(`At work on: ${part}`);
    try {
      return await work();
    } catch (error) {
      if (isCancellation(error)) throw error;
      failures.push({ part, ...describeFailure(error) });
      return null;
    }
  };
  return { attempt, failures };
}

/** Our failures carry a code of ours and words that may be shown; see activities/failures.ts. */
function describeFailure(error: unknown): { code: string; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure)
    return { code: cause.type ?? 'internal_error', message: cause.message };
  return { code: 'no_answer', message: 'It was not done in time' };
}

/** What an operator reads in the Web UI. */
function inMarkdown({
  dryRun,
  expiredUploads,
  orphans,
  rows,
  scratchFolders,
  failures,
}: HousekeepingReport): string {
  const lines = [dryRun ? '**Dry run: nothing was changed**' : '**Done**'];
  if (expiredUploads) lines.push(`expired uploads: ${expiredUploads.ended} of ${expiredUploads.found} ended`);
  if (orphans) {
    const { listed, seen, due, removed, failed } = orphans;
    lines.push(
      `objects without a row: ${seen} of ${listed} old ones, ${due} seen before, ${removed} removed, ${failed} could not be`,
    );
  }
  if (orphans?.stopped)
    lines.push(`**stopped** (${orphans.stopped.reason}): run it again with \`force\` to remove them`);
  if (rows)
    lines.push(
      `rows: ${Object.entries(rows)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ')}`,
    );
  if (scratchFolders !== null) lines.push(`scratch folders: ${scratchFolders}`);
  for (const { part, message } of failures) lines.push(`**${part} failed**: ${message}`);
  return lines.map((line) => `- ${line}`).join('\n');
}
