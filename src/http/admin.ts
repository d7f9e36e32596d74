import { z } from 'zod';
import { newId } from '../db/ids.ts';
import type { Queue } from '../domain/queues.ts';
import { EngineUnavailableError } from '../errors.ts';
import type { Flows, HousekeepingReport, HousekeepingState } from '../flows.ts';
import { flagField, idParams } from './parse.ts';
import { HttpProblem, notFound } from './problem.ts';
import { defineRoute, type Reply, type Route, type RouteDeps } from './route.ts';
import { timeField } from './userFields.ts';
import { pollForEnd, readWait } from './wait.ts';

/** So long an answer is held back for a report; a client's own patience is often half a minute. */
const WAIT_SEC = 25;
const RETRY_AFTER_SEC = 30;
/** What housekeeping is worked on by. */
const NEEDED_QUEUES: Queue[] = ['workflows', 'net'];

const count = z.int().min(0);

const reportView = z
  .strictObject({
    id: z.string(),
    status: z.literal('done'),
    dry_run: z.boolean(),
    forced: z.boolean(),
    started_at: timeField,
    ended_at: timeField,
    expired_uploads: z
      .strictObject({ found: count, ended: count })
      .nullable()
      .meta({ description: 'Uploads whose time was over and that were still open' }),
    orphans: z
      .strictObject({
        listed: count,
        seen: count,
        due: count,
        removed: count,
        failed: count,
        sample_ids: z
          .array(z.uuid())
          .meta({ description: 'Of some due ones: the videos or uploads they were of' }),
        stopped: z
          .strictObject({ reason: z.enum(['too_many', 'too_large_a_share']), count })
          .nullable()
          .meta({ description: 'Why none was removed; `force` removes them' }),
      })
      .nullable()
      .meta({
        description:
          'Stored objects: `listed` are older than 48 hours, `seen` those of them without a row, `due` those that an earlier housekeeping had seen as well',
      }),
    rows: z
      .strictObject({
        uploads: count,
        upload_segments: count,
        idempotency_keys: count,
        rate_limits: count,
        share_sessions: count,
        pictures: count,
        sounds: count,
        captions: count,
        events: count.meta({
          description: 'Older than what is kept of them; `after` begins later from now on',
        }),
        webhook_deliveries: count.meta({
          description: 'That ended so long ago, with the log of their attempts',
        }),
        telegram_links: count,
        telegram_notices: count,
      })
      .nullable()
      .meta({ description: 'Rows whose time was over: removed, or found by a dry run' }),
    scratch_folders: z
      .int()
      .nullable()
      .meta({ description: 'Left by workers that are gone, on one machine' }),
    failures: z.array(z.strictObject({ part: z.string(), code: z.string(), message: z.string() })),
  })
  .meta({ id: 'HousekeepingReport' });

const runningView = z
  .strictObject({ id: z.uuid(), status: z.literal('running') })
  .meta({ id: 'RunningHousekeeping' });

function toReportView(report: HousekeepingReport): z.input<typeof reportView> {
  const { orphans, rows } = report;
  return {
    id: report.id,
    status: 'done',
    dry_run: report.dryRun,
    forced: report.forced,
    started_at: report.startedAt,
    ended_at: report.endedAt,
    expired_uploads: report.expiredUploads,
    orphans: orphans && {
      listed: orphans.listed,
      seen: orphans.seen,
      due: orphans.due,
      removed: orphans.removed,
      failed: orphans.failed,
      sample_ids: orphans.sampleIds,
      stopped: orphans.stopped,
    },
    rows: rows && {
      uploads: rows.uploads,
      upload_segments: rows.uploadSegments,
      idempotency_keys: rows.idempotencyKeys,
      rate_limits: rows.rateLimits,
      share_sessions: rows.shareSessions,
      pictures: rows.pictures,
      sounds: rows.sounds,
      captions: rows.captions,
      events: rows.events ?? 0,
      webhook_deliveries: rows.webhookDeliveries ?? 0,
      telegram_links: rows.telegramLinks ?? 0,
      telegram_notices: rows.telegramNotices ?? 0,
    },
    scratch_folders: report.scratchFolders,
    failures: report.failures,
  };
}

const answers = {
  200: { description: 'What it did', schema: reportView },
  202: {
    description: 'It runs; ask again where `Location` says',
    schema: runningView,
    headers: { Location: 'Where the report will be' },
  },
};
const facts = { tag: 'The service', scope: 'admin' } as const;

const startHousekeeping: Route = defineRoute({
  ...facts,
  method: 'post',
  path: '/v1/admin/housekeeping',
  operationId: 'startHousekeeping',
  summary: 'Remove what nobody needs any more, now',
  description: [
    'The same as what is done on schedule: ends uploads whose time is over, removes stored objects that no row speaks of and rows that ran out.',
    'An object is removed when it is older than 48 hours and two housekeepings, ten minutes apart or more, found it without a row.',
    'Above 100 of them, or 5 % of all objects, none is removed: perhaps the database was restored and the files are wanted. `force` removes them.',
  ].join('\n'),
  query: z.strictObject({
    dry_run: flagField.meta({ description: 'Only looks and counts; changes nothing' }),
    force: flagField.meta({ description: 'Removes objects without a row however many there are' }),
  }),
  responses: { ...answers, 503: { description: '`no_worker`, `engine_unavailable`: see Retry-After' } },
  poll: async ({ deps }, id) => {
    const found = await deps.flows.findHousekeeping(id);
    return found.state === 'running' ? null : toReply(id, found, deps);
  },
  handler: async (request) => {
    const { ctx, query, deps } = request;
    await assertWorkers(deps.flows);
    const id = newId();
    await deps.flows.startHousekeeping(id, { dryRun: query.dry_run, force: query.force });
    const started = toReply(id, { state: 'running' }, deps);
    // A client that says how long it waits has the frame wait for it.
    if (readWait(ctx) !== null) return started;
    const poll = async () => startHousekeeping.poll?.(request, id) ?? null;
    // What is started stays started: the client must learn where to ask.
    return (await pollForEnd(ctx, { waitSec: WAIT_SEC, poll }).catch(() => null)) ?? started;
  },
});

const getHousekeeping = defineRoute({
  ...facts,
  method: 'get',
  path: '/v1/admin/housekeeping/:id',
  operationId: 'getHousekeeping',
  summary: 'Show what a housekeeping did',
  params: idParams,
  responses: { ...answers, 409: { description: '`not_possible`: it was ended before it could report' } },
  handler: async ({ params, deps }) => toReply(params.id, await deps.flows.findHousekeeping(params.id), deps),
});

function toReply(id: string, found: HousekeepingState, { config }: RouteDeps): Reply {
  if (found.state === 'done') return { status: 200, body: toReportView(found.report) };
  if (found.state === 'missing') throw notFound();
  if (found.state === 'ended')
    throw new HttpProblem('not_possible', 'This housekeeping was ended before it could report');
  const headers = { Location: `${config.PUBLIC_URL}/v1/admin/housekeeping/${id}` };
  return { status: 202, body: { id, status: 'running' }, headers, objectId: id };
}

/** @throws EngineUnavailableError; HttpProblem `no_worker` when nobody would take up the work */
async function assertWorkers(flows: Flows): Promise<void> {
  const { reachable, pollers } = await flows.health();
  if (!reachable) throw new EngineUnavailableError('The workflow engine does not answer right now');
  if (NEEDED_QUEUES.every((queue) => pollers[queue] > 0)) return;
  throw new HttpProblem('no_worker', undefined, { headers: { 'Retry-After': String(RETRY_AFTER_SEC) } });
}

export const adminRoutes: Route[] = [startHousekeeping, getHousekeeping];
