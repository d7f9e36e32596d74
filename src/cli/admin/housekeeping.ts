import { randomUUID } from 'node:crypto';
import { type Answer, type Client, createClient } from '../client.ts';
import { ACCESS_OPTIONS, HELP_OPTION, type OptionSpecs, readCommandLine } from '../commandLine.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { UsageError } from '../failures.ts';
import { renderHelp } from '../help.ts';
import { pause, type Retrying, withRetries } from '../retrying.ts';
import type { Session } from '../session.ts';
import { findAccess } from '../settings.ts';
import { isAllWell, readReport, renderReport } from './report.ts';

const OPTIONS = {
  'dry-run': { type: 'boolean', help: 'Only tell what would be removed' },
  force: { type: 'boolean', help: 'Remove even when it is so much that something may be wrong' },
  json: { type: 'boolean', help: 'Write the report as JSON' },
  ...ACCESS_OPTIONS,
  ...HELP_OPTION,
} as const satisfies OptionSpecs;

const PATIENCE_MS = 60_000;
const POLL_MS = 2_000;

/** `videoflow admin housekeeping` */
export async function housekeepingCommand(args: string[], session: Session): Promise<ExitCode> {
  const { values, positionals } = readCommandLine(args, OPTIONS);
  const { stdout, signal, version } = session;
  if (values.help) {
    stdout.write(help());
    return EXIT.ok;
  }
  if (positionals.length > 0) throw new UsageError('housekeeping takes options only; see --help');
  const client = createClient({ access: findAccess(values, session), version, signal });
  const query = new URLSearchParams();
  if (values['dry-run']) query.set('dry_run', 'true');
  if (values.force) query.set('force', 'true');
  const answer = await runHousekeeping(client, query, { signal, patienceMs: PATIENCE_MS });
  const report = readReport(answer);
  stdout.write(values.json ? `${JSON.stringify(answer)}\n` : renderReport(report));
  return isAllWell(report) ? EXIT.ok : EXIT.someFailed;
}

/** Starts it and waits for its report: 200 with it at once, or 202 with the place to ask for it. */
async function runHousekeeping(client: Client, query: URLSearchParams, retrying: Retrying): Promise<unknown> {
  const path = ['/v1/admin/housekeeping', query.toString()].filter(Boolean).join('?');
  // One key for all tries: a lost answer must not start it twice.
  const key = { 'idempotency-key': randomUUID() };
  let answer: Answer = await withRetries(() => client.send('POST', path, key), retrying);
  const place = answer.headers.get('location');
  while (answer.status === 202) {
    if (!place) throw new UsageError(`${client.url} does not answer like videoflow; is the address right?`);
    await pause(POLL_MS, retrying.signal);
    answer = await withRetries(() => client.send('GET', pathOf(place)), retrying);
  }
  return answer.body;
}

/** Wherever the server thinks that it is, the token goes to where it was reached. */
const pathOf = (place: string): string => {
  const { pathname } = new URL(place, 'http://any.invalid');
  return pathname.slice(Math.max(0, pathname.indexOf('/v1/')));
};

const help = (): string =>
  renderHelp({
    usage: ['videoflow admin housekeeping [OPTIONS]'],
    summary:
      'Removes expired uploads, orphaned objects and scratch leftovers now, as the server does by itself from ' +
      'time to time, and tells what it did. Needs a token with the scope admin.',
    options: OPTIONS,
    notes: [
      'An orphan is removed only when nothing refers to it, it is older than 48 h and was seen twice. When there are ' +
        'more than 100, or more than 5 % of all objects, nothing is removed without --force: a restored database ' +
        'must not cost newer files. The exit code is 1 then, and when a part of the work failed.',
    ],
  });
