/** Which events are told as notices, and what becomes of the one message that there is about each object. */
import type { EventType } from './event.ts';

/**
 * What begins a message, and whether it does when the user has not said otherwise. Where it is switched off it still
 * changes a message that is there: none may go on saying what is no longer true.
 */
const BEGINNINGS = {
  'video.created': true,
  'video.pending': true,
  'video.processing': true,
  'video.ready': true,
  'video.failed': true,
  'video.cancelled': true,
  // What succeeds is a new video, which is told of as every other.
  'edit.failed': true,
  'upload.refused': true,
  'upload.expired': false,
  'webhook.disabled': true,
} as const satisfies Partial<Record<EventType, boolean>>;

export type NoticeType = keyof typeof BEGINNINGS;

/** The types that a user may switch. */
export const NOTICE_TYPES = Object.keys(BEGINNINGS) as NoticeType[];

/** What only changes a message that is there. */
const FOLLOWING: readonly string[] = [
  'video.updated',
  'video.deleted',
  'edit.queued',
  'edit.running',
  'edit.waiting_retry',
  'edit.succeeded',
  'edit.cancelled',
] satisfies EventType[];

/** All types that notices are made of. */
export const NOTICED_TYPES: readonly string[] = [...NOTICE_TYPES, ...FOLLOWING];

/** What of an event decides about its notice. */
export interface NoticedEvent {
  id: string;
  type: string;
  objectType: string;
  objectId: string;
  data: Record<string, unknown>;
}

/** What is to be told of one object: its newest event, and whether that is worth a message where there is none. */
export interface PlannedNotice {
  event: NoticedEvent;
  isBeginning: boolean;
}

export const isNoticeType = (type: string): type is NoticeType => Object.hasOwn(BEGINNINGS, type);

/** Gives the switches of a user as they work, what was never said included. */
export const isSwitchedOn = (type: NoticeType, switches: Readonly<Record<string, boolean>>): boolean =>
  switches[type] ?? BEGINNINGS[type];

function begins({ type, data }: NoticedEvent, switches: Readonly<Record<string, boolean>>): boolean {
  // A library entry may wait for its bytes for ever.
  if (type === 'video.created' && data.status === 'awaiting_upload') return false;
  return isNoticeType(type) && isSwitchedOn(type, switches);
}

/** Draws events, in their order, together: of each object only the newest is told. */
export function planNotices(
  events: readonly NoticedEvent[],
  switches: Readonly<Record<string, boolean>>,
): PlannedNotice[] {
  const planned = new Map<string, PlannedNotice>();
  for (const event of events.filter(({ type }) => NOTICED_TYPES.includes(type))) {
    const key = `${event.objectType}/${event.objectId}`;
    const wasBeginning = planned.get(key)?.isBeginning ?? false;
    // What came and went in one breath is not told of.
    const isBeginning = event.type !== 'video.deleted' && (wasBeginning || begins(event, switches));
    planned.set(key, { event, isBeginning });
  }
  return [...planned.values()];
}

/** Says whether an event is only worth telling to those who were told of its object before. */
export const isOnlyEnding = (type: string): boolean => type === 'video.deleted';
