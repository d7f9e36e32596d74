/** A post and its targets: their states, and how the one follows from the others. */

/**
 * One platform of a post. `prepared`: all is there to be sent; `armed`: the one request may leave any moment; `sent`: it may
 * have left; `draft_delivered`: it waits in the creator's inbox; `unknown`: nobody can say whether it is out.
 */
export const TARGET_STATES = [
  'planned',
  'prepared',
  'armed',
  'sent',
  'live',
  'draft_delivered',
  'skipped',
  'failed',
  'unknown',
  'cancelled',
] as const;
export type TargetState = (typeof TARGET_STATES)[number];

export const POST_STATUSES = [
  'scheduled',
  'publishing',
  'posted',
  'partial',
  'failed',
  'unknown',
  'cancelled',
] as const;
export type PostStatus = (typeof POST_STATUSES)[number];

/** How its time was chosen: at once, by the caller, or the account's next free slot. */
export const POST_TIMINGS = ['now', 'at', 'auto'] as const;
export type PostTiming = (typeof POST_TIMINGS)[number];

/** A target that nothing has left for: it can still be changed and cancelled. */
const OPEN_TARGET_STATES = ['planned', 'prepared'] as const satisfies readonly TargetState[];
/** A target that nobody is at any more. `unknown` waits for its owner's answer. */
const FINAL_TARGET_STATES: ReadonlySet<TargetState> = new Set([
  'live',
  'draft_delivered',
  'skipped',
  'failed',
  'unknown',
  'cancelled',
]);

export const isOpenTarget = (state: TargetState): boolean =>
  OPEN_TARGET_STATES.some((open) => open === state);
const isFinalTarget = (state: TargetState): boolean => FINAL_TARGET_STATES.has(state);

/** Posts that are not over. */
export const UNFINISHED_POST_STATUSES = ['scheduled', 'publishing'] as const satisfies readonly PostStatus[];
/** The same, and those whose end is not known: what the filter `pending` means. */
export const PENDING_POST_STATUSES = [
  ...UNFINISHED_POST_STATUSES,
  'unknown',
] as const satisfies readonly PostStatus[];
/** Posts whose time is taken: others keep their distance from it. Failed and cancelled ones have given theirs back. */
export const TIME_HOLDING_POST_STATUSES = [
  ...PENDING_POST_STATUSES,
  'posted',
  'partial',
] as const satisfies readonly PostStatus[];

/** Says how a post stands, from how its targets do. */
export function derivePostStatus(targets: readonly { state: TargetState; attempts: number }[]): PostStatus {
  const states = targets.map(({ state }) => state);
  const is =
    (...wanted: TargetState[]) =>
    (state: TargetState) =>
      wanted.includes(state);
  if (!states.every(isFinalTarget)) {
    const isBegun = targets.some(
      ({ state, attempts }) => attempts > 0 || !(isOpenTarget(state) || state === 'cancelled'),
    );
    return isBegun ? 'publishing' : 'scheduled';
  }
  if (states.some(is('unknown'))) return 'unknown';
  if (states.every(is('live'))) return 'posted';
  if (states.every(is('cancelled'))) return 'cancelled';
  return states.some(is('live', 'draft_delivered')) ? 'partial' : 'failed';
}
