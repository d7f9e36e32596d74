import type { EntityManager } from '@mikro-orm/postgresql';

/** An upload whose workflow may have something to do. */
export interface UploadToTell {
  uploadId: string;
  /** Null when it ended without it. */
  videoId: string | null;
  userId: string;
  /** The database's time when it was listed, in its own words. */
  seenAt: string;
}

const PAGE = 200;
/** Written out as the partial index has it: uploads that ask for work, but for open ones whose time is over. */
const IS_AT_WORK = `case u.state when 'open' then u.started_at is null when 'complete' then true else u.cleared_at is null end`;
/** What was told so long ago and still asks for work may have lost its workflow. */
const TOLD_LONG_AGO = `now() - interval '5 minutes'`;

/** Which uploads the engine has to be told of. Quiet and cheap while there are none. */
export class UntoldUploadQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Uploads that ask for work and whose workflow is not known to have seen them so, in pages by id. One that was told
   * and still asks comes again after five minutes: its workflow may have ended otherwise.
   */
  list(afterId: string | null): Promise<UploadToTell[]> {
    const isUnseen = (moment: string) =>
      `not coalesce(u.started_at > ${moment} and u.started_at > ${TOLD_LONG_AGO}, false)`;
    return this.#find(
      [
        `${IS_AT_WORK} and ${isUnseen('coalesce(u.ended_at, u.completed_at)')}`,
        `u.state = 'open' and u.started_at is not null and u.expires_at <= now() and ${isUnseen('u.expires_at')}`,
      ],
      afterId,
    );
  }

  /** All uploads that need a workflow, in pages by id. */
  listUnsettled(afterId: string | null): Promise<UploadToTell[]> {
    const isLive = `u.state in ('open', 'complete')`;
    return this.#find([isLive, `${IS_AT_WORK} and not ${isLive}`], afterId);
  }

  /** Each condition finds its own partial index; asked for in one, or in the order of ids, all rows would be read. */
  #find(conditions: string[], afterId: string | null): Promise<UploadToTell[]> {
    const found = conditions.map(
      (condition) =>
        `select u.id as "uploadId", u.video_id as "videoId", u.user_id as "userId", now() as "seenAt"
         from uploads u where ${condition}`,
    );
    return this.#em.execute<UploadToTell[]>(
      `with found as materialized (${found.join(' union all ')})
       select * from found where ?::uuid is null or "uploadId" > ?::uuid order by 1 limit ${PAGE}`,
      [afterId, afterId],
    );
  }

  /** Notes that the workflow of an upload was told of it as it was at a moment. */
  async noteTold(uploadId: string, seenAt: string): Promise<void> {
    await this.#em.execute(
      'update uploads set started_at = greatest(started_at, ?::timestamptz) where id = ?',
      [seenAt, uploadId],
    );
  }
}
