import { isDeepStrictEqual } from 'node:util';
import { uploadEvent } from '../../src/domain/event.ts';
import { PLATFORMS } from '../../src/domain/platform.ts';
import type { UploadState } from '../../src/domain/upload.ts';
import type { Note, Row } from './watchedChanges.ts';

/** What there was to tell, or was told, of one object. */
interface Telling {
  object: string;
  type: string;
}

/**
 * Compares what was written with what was told, transaction by transaction and object by object: for each change of a
 * state one event of its type, in its order, with the object as it was; and no event more.
 *
 * @returns the mistakes, in words
 */
export function judgeChanges(notes: readonly Note[]): string[] {
  const world = new World();
  const mistakes: string[] = [];
  for (const { transaction, notes: own } of inTransactions(notes)) {
    const expected: Telling[] = [];
    const told: Telling[] = [];
    const latest = new Map<string, Row>();
    for (const note of own) {
      if (note.relation === 'events' && note.new) {
        const telling = { object: objectOf(note.new), type: note.new.type };
        told.push(telling);
        latest.set(telling.object, note.new);
      } else {
        const telling = changeOf(note, world);
        if (telling) expected.push(telling);
      }
      world.take(note);
    }
    for (const object of new Set([...expected, ...told].map((telling) => telling.object))) {
      const [due, were] = [expected, told].map((all) =>
        all.filter((telling) => telling.object === object).map(({ type }) => type),
      );
      if (!isDeepStrictEqual(due, were))
        mistakes.push(`${object} in ${transaction}: due was [${due}], told was [${were}]`);
    }
    for (const [object, event] of latest) {
      const differing = world.differing(object, event);
      if (differing) mistakes.push(`${event.type} of ${object} in ${transaction}: ${differing}`);
    }
  }
  return mistakes;
}

/** Groups what is noted by transactions; those end in the order of their last notes. */
function inTransactions(notes: readonly Note[]): { transaction: string; notes: Note[] }[] {
  const groups = new Map<string, Note[]>();
  for (const note of notes) {
    const group = groups.get(note.transaction) ?? [];
    groups.delete(note.transaction);
    groups.set(note.transaction, [...group, note]);
  }
  return [...groups].map(([transaction, own]) => ({ transaction, notes: own }));
}

const objectOf = ({ object_type, object_id, data }: Row): string => {
  if (object_type === 'step') return `step ${data.video_id} ${data.name}`;
  return object_type === 'target' ? `target ${data.post_id} ${data.platform}` : `${object_type} ${object_id}`;
};

/** What a row is, or belongs to, in the words of events. */
function rowObject(relation: Note['relation'], row: Row): string {
  if (relation === 'steps') return `step ${row.video_id} ${row.name}`;
  if (relation === 'targets') return `target ${row.post_id} ${row.platform}`;
  if (relation === 'transcripts') return `video ${row.video_id}`;
  return `${relation.slice(0, -1)} ${row.id}`;
}

const differs = (before: Row, after: Row, ...columns: string[]): boolean =>
  columns.some((column) => !isDeepStrictEqual(before[column], after[column]));

/** What there is to tell of a row that was written; null for nothing. */
function changeOf({ relation, old: before, new: after }: Note, world: World): Telling | null {
  const type = {
    videos: () => changeOfVideo(before, after),
    steps: () => after && !world.isDeleted(after.video_id) && changeOfStep(before, after),
    edits: () => after && changeOfEdit(before, after),
    uploads: () =>
      after && (!before || differs(before, after, 'state')) && uploadEvent(after.state as UploadState),
    shares: () => after && changeOfShare(before, after),
    transcripts: () => !before && after?.kind === 'edited' && 'video.updated',
    accounts: () => after && changeOfAccount(before, after),
    posts: () => after && changeOfPost(before, after),
    // One that comes or goes is a change of its post.
    targets: () => before && after && differs(before, after, 'state') && `target.${after.state}`,
    events: () => null,
  }[relation]();
  if (!type) return null;
  return { object: rowObject(relation, after ?? before ?? {}), type };
}

/** Of a deleted video nothing is told any more, also not when its row goes. */
function changeOfVideo(before: Row | null, after: Row | null): string | null {
  if (!before) return 'video.created';
  if (before.deleted_at) return null;
  if (!after || after.deleted_at) return 'video.deleted';
  if (differs(before, after, 'status')) return `video.${after.status}`;
  return differs(before, after, 'title', 'description', 'tags') ? 'video.updated' : null;
}

const changeOfStep = (before: Row | null, after: Row): string | null =>
  !before || differs(before, after, 'state', 'attempt', 'next_attempt_at') ? `step.${after.state}` : null;

function changeOfEdit(before: Row | null, after: Row): string | null {
  if (!before || differs(before, after, 'status', 'attempt')) return `edit.${after.status}`;
  if (!differs(before, after, 'next_attempt_at')) return null;
  return after.next_attempt_at ? 'edit.waiting_retry' : `edit.${after.status}`;
}

const changeOfShare = (before: Row | null, after: Row): string | null => {
  if (!before) return 'share.created';
  return !before.revoked_at && after.revoked_at ? 'share.revoked' : null;
};

/** That the provider is asked, and says nothing new, is nobody else's concern. */
function changeOfAccount(before: Row | null, after: Row): string | null {
  if (!before) return 'account.created';
  if (after.deleted_at) return before.deleted_at ? null : 'account.deleted';
  if (after.needs_reauth && !before.needs_reauth) return 'account.reauth_required';
  const untold = ['credentials_revision', 'checked_revision', 'checked_at'];
  const told = Object.keys(before).filter((column) => !untold.includes(column));
  return differs(before, after, ...told) ? 'account.updated' : null;
}

const changeOfPost = (before: Row | null, after: Row): string | null => {
  if (!before || differs(before, after, 'status')) return `post.${after.status}`;
  return isDeepStrictEqual(before, after) ? null : 'post.updated';
};

/** The rows as they are after what was noted so far. */
class World {
  readonly #rows = new Map<string, Row>();

  take({ relation, old: before, new: after }: Note): void {
    if (relation === 'events' || relation === 'transcripts') return;
    const object = rowObject(relation, after ?? before ?? {});
    // Of what is gone the last that it was is remembered, but for targets, of which their post consists.
    if (after) this.#rows.set(object, after);
    else if (relation === 'targets') this.#rows.delete(object);
  }

  isDeleted(videoId: string): boolean {
    return Boolean(this.#rows.get(`video ${videoId}`)?.deleted_at);
  }

  /** What the event says otherwise than the row; null when it says the same. */
  differing(object: string, { object_type, data }: Row): string | null {
    const row = this.#rows.get(object);
    if (!row) return 'no such row was written';
    const platforms = PLATFORMS.filter((platform) => this.#rows.has(`target ${row.id} ${platform}`));
    const view: Row = { ...viewOf(object_type, row), ...(object_type === 'post' ? { platforms } : {}) };
    const wrong = Object.keys(view).filter((field) => !isDeepStrictEqual(view[field], data[field]));
    return wrong.length === 0
      ? null
      : wrong
          .map(
            (field) =>
              `${field} is told as ${JSON.stringify(data[field])}, not ${JSON.stringify(view[field])}`,
          )
          .join('; ');
  }
}

/** The part of the API's views that can be read off a row. */
function viewOf(type: string, row: Row): Row {
  switch (type) {
    case 'video':
      return {
        ...pick(
          row,
          'id',
          'title',
          'description',
          'tags',
          'status',
          'filename',
          'language',
          'width',
          'parents',
        ),
        ...{ error: errorOf(row), stream_url: null },
      };
    case 'step':
      return {
        ...pick(row, 'video_id', 'name', 'state', 'attempt', 'percent'),
        ...{
          error: errorOf(row),
          next_attempt_at: timeOf(row.next_attempt_at),
          ended_at: timeOf(row.ended_at),
        },
      };
    case 'edit':
      return {
        ...pick(row, 'id', 'status', 'video_id', 'method', 'title', 'parents'),
        ...{ error: errorOf(row), ended_at: timeOf(row.ended_at) },
      };
    case 'upload':
      return {
        ...pick(row, 'id', 'protocol', 'state', 'video_id'),
        offset: row.offset_bytes,
        length: row.length_bytes,
      };
    case 'account':
      return {
        ...pick(row, 'id', 'username', 'provider', 'platforms', 'is_ai', 'status_reason'),
        ...{ user_id: row.user_label, group: row.group_id, timezone: row.time_zone },
        status: row.is_paused ? 'paused' : row.needs_reauth ? 'reauth_required' : 'active',
      };
    case 'post':
      return {
        ...pick(row, 'id', 'video_id', 'account_id', 'status', 'title', 'description', 'params', 'timing'),
        ...pick(row, 'warnings', 'notify'),
        scheduled_at: timeOf(row.due_at),
        timezone: row.time_zone,
      };
    case 'target':
      return { ...pick(row, 'post_id', 'platform', 'state', 'attempts', 'url'), error: errorOf(row) };
    default:
      return { ...pick(row, 'id', 'video_id', 'max_views', 'views'), revoked_at: timeOf(row.revoked_at) };
  }
}

const pick = (row: Row, ...columns: string[]): Row =>
  Object.fromEntries(columns.map((column) => [column, row[column]]));

const timeOf = (value: string | null): string | null => (value ? new Date(value).toISOString() : null);

const errorOf = ({ error_code, error_message, error_retryable }: Row) =>
  error_code ? { code: error_code, message: error_message ?? '', retryable: error_retryable ?? false } : null;
