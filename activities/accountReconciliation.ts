import { Context } from '@temporalio/activity';
import type { AccountCheck } from '../src/db/accountChecks.ts';
import type { ActivityDeps } from './index.ts';
import { pages } from './longWork.ts';

/** Between the row of an account and its check; whoever is slower is helped here. */
const GRACE_MS = 10_000;
/** A day after a check, the next one of what was not well. */
const AGAIN_MS = 24 * 3600 * 1000;
/** At one pass: some seconds, for others wait. */
const MOST_STARTS = 200;
/** What was begun is not looked for again for so long, while it waits for its provider. */
const TRUST_MS = 10 * 60_000;

/**
 * Makes what begins the checks that the engine was perhaps never told of, that ended without a word in their row, or whose
 * time has come again: some at a time.
 *
 * @returns a function that tells whether there is more to do
 */
export function createCheckRepeater({ db, flows }: Pick<ActivityDeps, 'db' | 'flows'>) {
  let begun = new Set<string>();
  let forgetAt = 0;

  async function noteOpen(): Promise<void> {
    for await (const check of flows.listOpenChecks()) {
      begun.add(nameOf(check));
      Context.current().heartbeat();
    }
  }

  /** What has to be begun, as far as is known. */
  async function* listLost(before: Date) {
    // The engine is asked once there is something to begin; most often there is nothing.
    let areOpenNoted = false;
    for await (const checks of pages(
      (after) => db.accountChecks.listUnchecked(after, before),
      ({ accountId }) => accountId,
    )) {
      if (checks.every((check) => begun.has(nameOf(check)))) continue;
      if (!areOpenNoted) await noteOpen();
      areOpenNoted = true;
      yield* checks.filter((check) => !begun.has(nameOf(check)));
    }
  }

  return async function repeatChecks(): Promise<boolean> {
    const now = Date.now();
    if (now >= forgetAt) [begun, forgetAt] = [new Set(), now + TRUST_MS];
    await db.accountChecks.raiseUnwell(new Date(now - AGAIN_MS));
    let starts = 0;
    for await (const check of listLost(new Date(now - GRACE_MS))) {
      if (starts === MOST_STARTS) return true;
      starts += 1;
      if (await flows.checkAccount(check)) begun.add(nameOf(check));
      Context.current().heartbeat();
    }
    return false;
  };
}

const nameOf = ({ accountId, revision }: AccountCheck): string => `${accountId}/${revision}`;
