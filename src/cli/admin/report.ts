import { z } from 'zod';
import { UsageError } from '../failures.ts';
import { formatSpan, printable } from '../text.ts';

const count = z.number();

/** What a housekeeping did, as the API tells it; a part that failed is null. */
const reportShape = z.object({
  dry_run: z.boolean(),
  started_at: z.string(),
  ended_at: z.string(),
  expired_uploads: z.object({ found: count, ended: count }).nullable(),
  orphans: z
    .object({
      listed: count,
      seen: count,
      due: count,
      removed: count,
      failed: count,
      sample_ids: z.array(z.string()),
      stopped: z.object({ reason: z.string(), count }).nullable(),
    })
    .nullable(),
  rows: z.record(z.string(), count).nullable(),
  scratch_folders: count.nullable(),
  failures: z.array(z.object({ part: z.string(), code: z.string(), message: z.string() })),
});

export type Report = z.output<typeof reportShape>;

/** @throws UsageError when this is not the report of a server that this command knows */
export function readReport(answer: unknown): Report {
  const { success, data } = reportShape.safeParse(answer);
  if (!success)
    throw new UsageError('The answer is no report; is the address that of a videoflow of this version?');
  return data;
}

/** Says whether nothing failed, and nothing was left because it was so much. */
export const isAllWell = ({ failures, orphans, expired_uploads: expired, dry_run: isDry }: Report): boolean =>
  failures.length === 0 &&
  !orphans?.stopped &&
  !orphans?.failed &&
  (isDry || !expired || expired.ended >= expired.found);

const STOPPED: Record<string, string> = {
  too_many: 'so many at once may be a mistake',
  too_large_a_share: 'they are a large share of all objects, which may be a mistake',
};

/** Gives a report as lines for people. */
export function renderReport(report: Report): string {
  const { dry_run: isDry, expired_uploads: expired, orphans, rows, scratch_folders: scratch } = report;
  const took = formatSpan(Date.parse(report.ended_at) - Date.parse(report.started_at));
  const lines = [
    isDry ? `Housekeeping as a trial: nothing was changed (${took})` : `Housekeeping is done (${took})`,
    line(
      'Expired uploads',
      expired && (isDry ? `${expired.found} to end` : `${expired.ended} of ${expired.found} ended`),
    ),
    ...orphanLines(orphans, isDry),
    line('Old rows', rows && describeRows(rows, isDry)),
    ...(isDry ? [] : [line('Scratch folders', scratch === null ? null : `${scratch} removed`)]),
    ...report.failures.map(({ part, code, message }) => `  failed: ${part}: ${message} (${code})`),
  ];
  return lines.map((text) => `${printable(text)}\n`).join('');
}

const line = (name: string, text: string | null): string =>
  `  ${`${name}:`.padEnd(18)}${text ?? 'not known'}`;

function orphanLines(orphans: Report['orphans'], isDry: boolean): string[] {
  if (!orphans) return [line('Orphans', null)];
  const { listed, seen, due, removed, failed, sample_ids: samples, stopped } = orphans;
  const end = isDry
    ? `${due} to remove`
    : `${removed} of ${due} removed${failed > 0 ? `, ${failed} failed` : ''}`;
  return [
    line('Orphans', `${end} (${seen} of ${listed} objects older than 48 h have no row)`),
    ...(stopped
      ? [
          `  stopped: ${stopped.count} orphans were left, for ${STOPPED[stopped.reason] ?? stopped.reason}; --force removes them`,
        ]
      : []),
    ...(samples.length > 0 ? [`  for example of: ${samples.join(', ')}`] : []),
  ];
}

function describeRows(rows: Record<string, number>, isDry: boolean): string {
  const parts = Object.entries(rows).map(([name, number]) => `${number} ${name.replaceAll('_', ' ')}`);
  return `${parts.join(', ')} ${isDry ? 'to remove' : 'removed'}`;
}
