import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import * as contract from '../workflows/contract.ts';
import type { Config } from './config.ts';
import { QUEUES, type Queue } from './domain/queues.ts';
import { checkAccount, listOpenChecks } from './flows/accounts.ts';
import { makeAudio, type WantedAudio } from './flows/audio.ts';
import { describeCaptionRun, type WantedCaption, writeCaption } from './flows/captions.ts';
import { type EditEngine, editEngineOf, type RunOfEdit, startEdit } from './flows/edits.ts';
import {
  ensureHousekeeping,
  findHousekeeping,
  type HousekeepingState,
  startHousekeeping,
} from './flows/housekeeping.ts';
import { sendNotices } from './flows/notices.ts';
import { makePicture, type WantedPicture } from './flows/pictures.ts';
import { countPollers } from './flows/pollers.ts';
import {
  cancelRun,
  describeRun,
  listClosedBadly,
  listOpen,
  ONCE,
  parseIds,
  type RunState,
} from './flows/runs.ts';
import type { Patience, ShortWorkEnd } from './flows/shortWork.ts';
import { listOpenUploads, receiveUpload } from './flows/uploads.ts';
import { deliverWebhook, pingWebhook, type WantedPing } from './flows/webhooks.ts';
import type { Log } from './log.ts';

export type { WantedAudio } from './flows/audio.ts';
export type { WantedCaption } from './flows/captions.ts';
export type { EditRun } from './flows/edits.ts';
export type { HousekeepingReport, HousekeepingState } from './flows/housekeeping.ts';
export type { WantedPicture } from './flows/pictures.ts';
export type { RunState } from './flows/runs.ts';
export type { Patience, ShortWorkEnd } from './flows/shortWork.ts';
export type { WantedPing } from './flows/webhooks.ts';

export type RunOfVideo = contract.ProcessVideoInput;

export interface EngineHealth {
  reachable: boolean;
  /** Pollers seen lately on each queue; 0 means that nobody works there. */
  pollers: Record<Queue, number>;
}

/**
 * The one way to the engine. Row first, start second: callers have committed before they call. Where nothing else
 * is said, none of the commands throws when the engine is away; the reconciler repeats what did not get through.
 */
export interface Flows {
  startProcessing(run: RunOfVideo): Promise<void>;
  cancelProcessing(videoId: string, runs: number[]): Promise<void>;
  startRemoval(videoId: string, userId: string): Promise<void>;
  startEdit(run: RunOfEdit): Promise<void>;
  cancelEdit(editId: string, runs: number[]): Promise<void>;
  /** Makes sure that the upload's workflow runs and looks at the row again. @returns whether that got through */
  receiveUpload(upload: contract.ReceiveUploadInput): Promise<boolean>;
  /** Starts one housekeeping under an id of the caller's. @throws EngineUnavailableError: nobody repeats it */
  startHousekeeping(id: string, input: contract.HousekeepInput): Promise<void>;
  /** @throws EngineUnavailableError */
  findHousekeeping(id: string): Promise<HousekeepingState>;
  /**
   * Has a picture made, with all who want the same, and waits for it; once it is done its row says where it is.
   *
   * @throws EngineUnavailableError; NoWorkerError
   */
  makePicture(picture: WantedPicture, patience?: Patience): Promise<ShortWorkEnd<void>>;
  /** The same with the sound of a video alone. @throws as `makePicture` */
  makeAudio(audio: WantedAudio, patience?: Patience): Promise<ShortWorkEnd<void>>;
  /**
   * Has a caption written and waits for the end of that; its row says what became of it.
   *
   * @throws EngineUnavailableError or NoWorkerError: nobody was told to write it
   */
  writeCaption(caption: WantedCaption, patience?: Patience): Promise<void>;
  /** Makes sure that the webhook's workflow runs and looks at its rows. @returns whether that got through */
  deliverWebhook(webhook: contract.DeliverWebhookInput): Promise<boolean>;
  /** Makes sure that the bot's workflow runs and looks at its rows. @returns whether that got through */
  sendNotices(notices: contract.SendNoticesInput): Promise<boolean>;
  /**
   * Has a ping sent, once, and waits for that; its row says what came of it.
   *
   * @throws EngineUnavailableError; NoWorkerError
   */
  pingWebhook(ping: WantedPing, patience?: Patience): Promise<ShortWorkEnd<void>>;
  /** Has the provider of an account asked whether its credentials are good. @returns whether that got through */
  checkAccount(check: contract.CheckAccountInput): Promise<boolean>;
  health(): Promise<EngineHealth>;
  close(): Promise<void>;
}

/** What the reconciler asks and tells; these throw when the engine is away. */
export interface Engine extends EditEngine {
  /** Starts the reconciler unless it runs. */
  ensureReconcile(): Promise<void>;
  /** Makes sure that housekeeping is scheduled as configured. */
  ensureHousekeeping(): Promise<void>;
  cancelRun(videoId: string, run: number): Promise<'told' | 'missing'>;
  describeRun(videoId: string, run: number): Promise<RunState>;
  /** Runs of processVideo that closed otherwise than well since a time. */
  listClosedBadly(since: Date): AsyncIterable<{ videoId: string; run: number }>;
  listOpenRuns(): AsyncIterable<{ videoId: string; run: number }>;
  describeCaptionRun(captionId: string): Promise<RunState>;
  /** The ids of uploads whose workflow is open. */
  listOpenUploads(): AsyncIterable<string>;
  /** The checks of accounts that are open, by what their ids say. */
  listOpenChecks(): AsyncIterable<{ accountId: string; revision: number }>;
}

const COMMAND_DEADLINE_MS = 2000;

/** Connects lazily: a program may start before the engine does. */
export function createFlows(deps: {
  config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'HOUSEKEEPING_INTERVAL_SEC'>;
  log: Log;
}): Flows & Engine {
  const log = deps.log.child({ module: 'flows' });
  const connection = Connection.lazy({ address: deps.config.TEMPORAL_ADDRESS });
  const client = new Client({
    connection,
    namespace: deps.config.TEMPORAL_NAMESPACE,
    dataConverter: {
      failureConverterPath: fileURLToPath(import.meta.resolve('../workflows/failureConverter.ts')),
    },
  });
  const attempt = async (what: string, ids: object, command: () => Promise<unknown>): Promise<boolean> => {
    try {
      await client.withDeadline(Date.now() + COMMAND_DEADLINE_MS, command);
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return true;
      if (error instanceof WorkflowNotFoundError) return true;
      log.warn({ ...ids, err: error }, `${what} did not get through; the reconciler repeats it`);
      return false;
    }
  };
  return {
    startProcessing: async (run) => {
      await attempt('a start', run, () => startProcessing(client, run));
    },
    async cancelProcessing(videoId, runs) {
      await Promise.all(
        runs.map((run) =>
          attempt('a cancel', { videoId, run }, () =>
            client.workflow.getHandle(contract.processVideoId(videoId, run)).cancel(),
          ),
        ),
      );
    },
    startRemoval: async (videoId, userId) => {
      await attempt('a removal', { videoId }, () => startRemoval(client, { videoId, userId }));
    },
    startEdit: async (run) => {
      await attempt('a start', run, () => startEdit(client, run));
    },
    async cancelEdit(editId, runs) {
      const cancel = (run: number) =>
        attempt('a cancel', { editId, run }, () => cancelRun(client, contract.editVideoId(editId, run)));
      await Promise.all(runs.map(cancel));
    },
    receiveUpload: (upload) => attempt('an upload', upload, () => receiveUpload(client, upload)),
    startHousekeeping: (id, input) => startHousekeeping(client, id, input),
    findHousekeeping: (id) => findHousekeeping(client, id),
    ensureHousekeeping: () => ensureHousekeeping(client, deps.config.HOUSEKEEPING_INTERVAL_SEC),
    makePicture: (picture, patience) => makePicture(client, picture, patience),
    makeAudio: (audio, patience) => makeAudio(client, audio, patience),
    writeCaption: (caption, patience) => writeCaption(client, caption, patience),
    deliverWebhook: (webhook) => attempt('a delivery', webhook, () => deliverWebhook(client, webhook)),
    sendNotices: (notices) => attempt('a notice', notices, () => sendNotices(client, notices)),
    pingWebhook: (ping, patience) => pingWebhook(client, ping, patience),
    checkAccount: (check) => attempt('a check', check, () => checkAccount(client, check)),
    health: () => engineHealth(client),
    close: () => connection.close(),
    ...engineOf(client),
  };
}

function engineOf(client: Client): Omit<Engine, 'ensureHousekeeping'> {
  return {
    ensureReconcile: async () => {
      await client.workflow.start(contract.WORKFLOWS.reconcile, {
        workflowId: contract.RECONCILE_ID,
        taskQueue: 'workflows',
        args: [{ settledUntil: null, comparedAt: null } satisfies contract.ReconcileInput],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        priority: { priorityKey: contract.PRIORITY.housekeeping },
        staticSummary: 'Keeps rows and runs true to each other',
      });
    },
    cancelRun: (videoId, run) => cancelRun(client, contract.processVideoId(videoId, run)),
    describeRun: (videoId, run) => describeRun(client, contract.processVideoId(videoId, run)),
    listClosedBadly: (since) =>
      parseIds(listClosedBadly(client, contract.WORKFLOWS.processVideo, since), contract.parseProcessVideoId),
    listOpenRuns: () =>
      parseIds(listOpen(client, contract.WORKFLOWS.processVideo), contract.parseProcessVideoId),
    ...editEngineOf(client),
    describeCaptionRun: (captionId) => describeCaptionRun(client, captionId),
    listOpenUploads: () => listOpenUploads(client),
    listOpenChecks: () => listOpenChecks(client),
  };
}

function startProcessing(client: Client, input: RunOfVideo) {
  const { videoId, userId, run } = input;
  return client.workflow.start(contract.WORKFLOWS.processVideo, {
    ...ONCE,
    workflowId: contract.processVideoId(videoId, run),
    taskQueue: 'workflows',
    args: [input],
    staticSummary: run === 1 ? `Process video ${videoId}` : `Process video ${videoId}, run ${run}`,
    typedSearchAttributes: [
      { key: contract.SEARCH_ATTRIBUTES.user, value: userId },
      { key: contract.SEARCH_ATTRIBUTES.video, value: videoId },
      { key: contract.SEARCH_ATTRIBUTES.stage, value: 'accepted' },
    ],
    priority: { priorityKey: contract.PRIORITY.newVideo, fairnessKey: userId },
  });
}

function startRemoval(client: Client, input: contract.RemoveVideoInput) {
  return client.workflow.start(contract.WORKFLOWS.removeVideo, {
    workflowId: contract.removeVideoId(input.videoId),
    taskQueue: 'workflows',
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // A removal that ended without removing the row is begun again by the reconciler.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Remove video ${input.videoId}`,
    typedSearchAttributes: [
      { key: contract.SEARCH_ATTRIBUTES.user, value: input.userId },
      { key: contract.SEARCH_ATTRIBUTES.video, value: input.videoId },
    ],
    priority: { priorityKey: contract.PRIORITY.housekeeping, fairnessKey: input.userId },
  });
}

async function engineHealth(client: Client): Promise<EngineHealth> {
  const none = Object.fromEntries(QUEUES.map((queue) => [queue, 0])) as Record<Queue, number>;
  const ask = client.withDeadline(Date.now() + COMMAND_DEADLINE_MS, async () => {
    const pollers = await Promise.all(
      QUEUES.map(async (queue) => [queue, await countPollers(client, queue)] as const),
    );
    return { reachable: true, pollers: { ...none, ...Object.fromEntries(pollers) } };
  });
  // A lazy connection may take longer than a call's deadline to say that nobody is there.
  const late = delay(COMMAND_DEADLINE_MS, { reachable: false, pollers: none }, { ref: false });
  return Promise.race([ask, late]).catch(() => ({ reachable: false, pollers: none }));
}
