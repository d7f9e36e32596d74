import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';
import { HURRIED_SEC } from '../src/domain/picture.ts';
import { PINGING_SEC } from './contract.ts';

/** Seconds of silence after which an activity counts as dead with its worker. */
export const HEARTBEAT_TIMEOUT_SEC = 30;

/**
 * Every policy names WAIT_CANCELLATION_COMPLETED: without it the workflow closes while the activity
 * still runs, whatever the type documentation says.
 */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** A policy with the words that operators read beside the activity in the Web UI. */
export const inWords = (policy: ActivityOptions, summary: string): ActivityOptions => ({
  ...policy,
  summary,
});

/** Short writes and reads of the domain's rows: repeated until the database answers. */
export const records: ActivityOptions = {
  taskQueue: 'workflows',
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '7 days',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
  cancellationType,
};

/** Looking again until something is as it must be, which may take days: every 15 seconds at most. */
export const standby: ActivityOptions = {
  taskQueue: 'workflows',
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '15 seconds' },
  cancellationType,
};

/**
 * One attempt at a media step. The workflow repeats it, not the engine: how often depends on what went
 * wrong (`src/domain/retries.ts`), and an operator can cut a wait short.
 */
export const mediaStep: ActivityOptions = {
  taskQueue: 'media',
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: `${HEARTBEAT_TIMEOUT_SEC} seconds`,
  retry: { maximumAttempts: 1 },
  cancellationType,
};

/** The same where much has to be encoded: minutes or hours, and never in the way of new videos. */
export const encodeStep: ActivityOptions = {
  ...mediaStep,
  taskQueue: 'encode',
  startToCloseTimeout: '2 days',
};

/**
 * Some seconds of ffmpeg that somebody waits for. Repeated by the engine and soon given up: whoever still wants it
 * asks again, and hears what is wrong.
 */
export const shortMedia: ActivityOptions = {
  ...mediaStep,
  startToCloseTimeout: '5 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '1 second', maximumAttempts: 4 },
};

/** The same where it may be minutes: a film has to be read to its end, and perhaps encoded. */
export const longMedia: ActivityOptions = {
  ...shortMedia,
  startToCloseTimeout: '3 hours',
  scheduleToCloseTimeout: '12 hours',
};

/** Either of them in front of everybody's videos: once, and for no longer than is counted. */
export const hurriedMedia: ActivityOptions = {
  ...shortMedia,
  startToCloseTimeout: `${HURRIED_SEC} seconds`,
  retry: { maximumAttempts: 1 },
};

/** One attempt at a step that only reads and writes rows; repeated by the workflow, as a media step is. */
export const recordStep: ActivityOptions = {
  ...mediaStep,
  taskQueue: 'workflows',
  startToCloseTimeout: '10 minutes',
};

/** One attempt at moving a whole file; repeated by the workflow, as a media step is. */
export const transfer: ActivityOptions = { ...mediaStep, taskQueue: 'net' };

/** The same from an address that a user gave. How long that may take is the operator's to say, and said there. */
export const ingest: ActivityOptions = { ...transfer, startToCloseTimeout: '30 days' };

/**
 * One attempt at having all of a video transcribed; repeated by the workflow, as a media step is. Its time is no limit
 * that an honest server comes near: each request has one of its own, and a dead worker is silent.
 */
export const transcribing: ActivityOptions = { ...encodeStep, taskQueue: 'speech' };

/**
 * Asking a language model, which costs each time and which somebody waits for: two answers at most, repeated by the
 * engine when the other side is in trouble, and soon given up.
 */
export const asking: ActivityOptions = {
  taskQueue: 'net',
  startToCloseTimeout: '4 minutes',
  scheduleToCloseTimeout: '15 minutes',
  heartbeatTimeout: `${HEARTBEAT_TIMEOUT_SEC} seconds`,
  retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: 4 },
  cancellationType,
};

/**
 * Asking a provider about an account's credentials, for a day: at most ten minutes apart, but no sooner than the provider
 * wants. On the queue of what may hang until its time is over, for nothing of the service itself waits there.
 */
export const checking: ActivityOptions = {
  taskQueue: 'notify',
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '1 day',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '10 minutes' },
  cancellationType,
};

/**
 * Speaking for a bot for some seconds, or listening for a minute: whatever goes wrong with that is in the rows, so what fails
 * here is the database, or a worker.
 */
export const notifying: ActivityOptions = {
  taskQueue: 'notify',
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  cancellationType,
};

/**
 * Being at one webhook, for some minutes at most (see activities/webhooks.ts). Repeated until it can be done: what is to
 * be delivered is in the rows.
 */
export const delivering: ActivityOptions = {
  taskQueue: 'notify',
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '25 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  cancellationType,
};

/** Sending one ping, which somebody waits for: repeated until it was begun, and never after that. */
export const pinging: ActivityOptions = {
  taskQueue: 'notify',
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: `${PINGING_SEC} seconds`,
  retry: { initialInterval: '1 second', maximumAttempts: 3 },
  cancellationType,
};

/**
 * Work on stored files that may be repeated freely. Not on the queue of ffmpeg: a deletion is the way out of a
 * full disk, and must not wait for what the full disk holds up.
 */
export const housekeeping: ActivityOptions = {
  taskQueue: 'net',
  startToCloseTimeout: '1 hour',
  scheduleToCloseTimeout: '7 days',
  heartbeatTimeout: `${HEARTBEAT_TIMEOUT_SEC} seconds`,
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  cancellationType,
};

/** Housekeeping that nobody waits for: what it does not manage in some minutes of trouble is for the next one. */
export const sweeping: ActivityOptions = {
  ...housekeeping,
  scheduleToCloseTimeout: '1 hour',
  retry: { ...housekeeping.retry, maximumAttempts: 8 },
};

/** The same among the rows, on the records' queue. */
export const tidying: ActivityOptions = { ...sweeping, taskQueue: 'workflows' };

/** Asking the engine about its runs and telling it what the rows want; on the records' queue. */
export const engine: ActivityOptions = {
  taskQueue: 'workflows',
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: `${HEARTBEAT_TIMEOUT_SEC} seconds`,
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  cancellationType,
};
