import { Context } from '@temporalio/activity';
import type { RunRow } from '../src/db/reconciliation.ts';
import type { UploadToTell } from '../src/db/untoldUploads.ts';
import { botOf } from '../src/domain/telegram.ts';
import { createCheckRepeater } from './accountReconciliation.ts';
import { settleLostCaptions } from './captions.ts';
import { ERROR_BY_END } from './closedRuns.ts';
import { createEditReconciler } from './editReconciliation.ts';
import type { ActivityDeps } from './index.ts';
import { pages } from './longWork.ts';
import { createIndexing } from './searchIndexing.ts';
import { repeatWebhooks } from './webhookReconciliation.ts';

/** Visibility lags behind: runs that closed shortly before the last pass are asked for again. */
const OVERLAP_MS = 60_000;

/** What keeps rows and runs true to each other. Everything here may be repeated at any time. */
export function createReconciliationActivities(deps: ActivityDeps) {
  const { config, db, flows } = deps;
  const edits = createEditReconciler(deps);
  const indexUnindexed = createIndexing(deps);
  const repeatChecks = createCheckRepeater(deps);

  /** Settles what a closed run left open in its row; most runs left nothing, which costs one question. */
  async function settle({ videoId, run }: Pick<RunRow, 'videoId' | 'run'>): Promise<void> {
    if (!(await db.reconciliation.hasOpenSteps(videoId, run))) return;
    // As it is now: a Reset leaves a closed run behind while a new one under the same id goes on.
    const state = await flows.describeRun(videoId, run);
    if (state === 'open' || state === 'missing' || state === 'completed') return;
    const error = ERROR_BY_END[state];
    await db.steps.settleRun(videoId, run, error ? { state: 'failed', error } : { state: 'cancelled' });
  }

  return {
    /** Starts, cancels and removes what the rows ask for and the engine was perhaps never told; has searches find all. */
    async repeatIntents(): Promise<{ nextPassSec: number }> {
      for await (const rows of pages((after) => db.reconciliation.listUnstarted(after), idOfRun)) {
        for (const row of rows) {
          await flows.startProcessing(row);
          Context.current().heartbeat();
        }
      }
      for (const { videoId, run } of await db.reconciliation.listToCancel()) {
        const answer = await flows.cancelRun(videoId, run);
        if (answer === 'missing') await db.steps.settleRun(videoId, run, { state: 'cancelled' });
        Context.current().heartbeat();
      }
      for (const { videoId, userId } of await db.reconciliation.listToRemove()) {
        await flows.startRemoval(videoId, userId);
        Context.current().heartbeat();
      }
      await edits.repeatIntents();
      await repeatShortWork(deps);
      const hasMore = [await repeatChecks(), await indexUnindexed()].includes(true);
      return { nextPassSec: hasMore ? 1 : config.RECONCILE_INTERVAL_SEC };
    },

    /** Settles the rows of runs that closed since a time; gives the time to go on from. */
    async settleClosedRuns({ since }: { since: string | null }): Promise<string> {
      const until = new Date();
      const from = since === null ? new Date(0) : new Date(Date.parse(since) - OVERLAP_MS);
      for await (const closed of flows.listClosedBadly(from)) {
        await settle(closed);
        Context.current().heartbeat();
      }
      await edits.settleClosed(from);
      return until.toISOString();
    },

    /** Compares all rows with all open runs; what the engine lost goes on as the next run. */
    async restartLostRuns(): Promise<void> {
      await restartLostUploads(deps);
      await edits.restartLost();
      const open = new Set<string>();
      for await (const { videoId, run } of flows.listOpenRuns()) {
        open.add(`${videoId}/${run}`);
        Context.current().heartbeat();
      }
      for await (const rows of pages((after) => db.reconciliation.listUnfinished(after), idOfRun)) {
        for (const row of rows.filter(({ videoId, run }) => !open.has(`${videoId}/${run}`))) {
          await restartIfLost(row);
          Context.current().heartbeat();
        }
      }
    },

    /** Tells the engine to cancel every unfinished run of a deleted video, and ends its uploads. */
    async cancelRuns({ videoId }: { videoId: string }): Promise<void> {
      for (const upload of await db.uploadHandover.terminateAllOf(videoId))
        await flows.receiveUpload({ ...upload, videoId });
      for (const run of await db.reconciliation.unfinishedRuns(videoId)) {
        const answer = await flows.cancelRun(videoId, run);
        if (answer === 'missing') await db.steps.settleRun(videoId, run, { state: 'cancelled' });
      }
    },
  };

  async function restartIfLost({ videoId, userId, run }: RunRow): Promise<void> {
    const state = await flows.describeRun(videoId, run);
    if (state === 'open') return;
    if (state !== 'missing' && state !== 'completed') return settle({ videoId, run });
    const next = await db.reconciliation.passOnRun(videoId, run);
    if (next !== null) await flows.startProcessing({ videoId, userId, run: next });
  }
}

/** The same of what is no run of a video or of an edit. */
async function repeatShortWork(deps: ActivityDeps): Promise<void> {
  await tellUploads(deps);
  await settleLostCaptions(deps);
  await tellBot(deps);
  await repeatWebhooks(deps);
}

/** Tells the engine of notices, if there are any to send. */
async function tellBot({ config, db, flows }: ActivityDeps): Promise<void> {
  const bot = botOf(config.TELEGRAM_BOT_TOKEN);
  if (bot !== null && (await db.telegramNotices.hasWork(bot))) await flows.sendNotices({ bot });
}

/** Tells the engine of uploads that it was perhaps never told of as they are now. */
async function tellUploads(deps: ActivityDeps): Promise<void> {
  for await (const uploads of pages((after) => deps.db.untoldUploads.list(after), idOfUpload))
    for (const upload of uploads) await tellUpload(deps, upload);
}

/** Begins the workflows of uploads again that the engine lost. */
async function restartLostUploads(deps: ActivityDeps): Promise<void> {
  const open = new Set<string>();
  for await (const uploadId of deps.flows.listOpenUploads()) {
    open.add(uploadId);
    Context.current().heartbeat();
  }
  for await (const uploads of pages((after) => deps.db.untoldUploads.listUnsettled(after), idOfUpload))
    for (const upload of uploads) if (!open.has(upload.uploadId)) await tellUpload(deps, upload);
}

async function tellUpload({ db, flows }: ActivityDeps, { seenAt, ...upload }: UploadToTell): Promise<void> {
  if (await flows.receiveUpload(upload)) await db.untoldUploads.noteTold(upload.uploadId, seenAt);
  Context.current().heartbeat();
}

const idOfRun = ({ videoId }: RunRow): string => videoId;
const idOfUpload = ({ uploadId }: UploadToTell): string => uploadId;
