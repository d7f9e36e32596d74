import { LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { TranscriptKind, TranscriptSegment } from '../domain/transcript.ts';
import { Transcript } from './entities/transcript.ts';
import { Video } from './entities/video.ts';
import { tellVideo } from './events.ts';
import { indexVideo } from './searchIndex.ts';
import { storableJson } from './storableJson.ts';

export interface NewTranscript {
  videoId: string;
  kind: TranscriptKind;
  language: string | null;
  /** Who made it, where a machine did. */
  model: string | null;
  segments: TranscriptSegment[];
}

/** Edited versions of one video that are kept: they are no part of anybody's quota, and are written in a moment. */
export const MAX_EDITED_VERSIONS = 100;

/** A version by its number, or the newest of a kind. */
export type TranscriptVersion = TranscriptKind | number;

const whichOf = (videoId: string, version: TranscriptVersion) =>
  typeof version === 'number' ? { video: videoId, version } : { video: videoId, kind: version };

/** What is said in videos, in versions; whose video it is, is for the caller to know. */
export class TranscriptQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Gives the version that everything uses: the newest that a person has edited, else the newest of a machine. */
  async findCurrent(videoId: string): Promise<Transcript | null> {
    return (await this.findVersion(videoId, 'edited')) ?? this.findVersion(videoId, 'machine');
  }

  /** Gives the same, and lets nobody add another one until the transaction ends. */
  async lockCurrent(videoId: string): Promise<Transcript | null> {
    await this.#em.execute('select 1 from videos where id = ? for update', [videoId]);
    return this.findCurrent(videoId);
  }

  /** Says which version that is, or another one, without reading its words; null when there is none such. */
  async identify(
    videoId: string,
    version?: TranscriptVersion,
  ): Promise<Pick<Transcript, 'id' | 'createdAt'> | null> {
    if (version === undefined)
      return (await this.identify(videoId, 'edited')) ?? this.identify(videoId, 'machine');
    return this.#em.findOne(Transcript, whichOf(videoId, version), {
      fields: ['id', 'createdAt'],
      orderBy: { version: 'desc' },
    });
  }

  /** Gives a version by its id. */
  find(id: string): Promise<Transcript | null> {
    return this.#em.findOne(Transcript, { id });
  }

  /** Says of that version what a player has to know before it asks for it. */
  async describeCurrent(videoId: string): Promise<{ language: string | null; isEmpty: boolean } | null> {
    const [row] = await this.#em.execute<{ language: string | null; isEmpty: boolean }[]>(
      // The row is chosen first: beside an order, the words of every version would be looked at.
      `select language, segments = '[]' as "isEmpty" from transcripts where id = (
         select id from transcripts where video_id = ? order by kind = 'edited' desc, version desc limit 1)`,
      [videoId],
    );
    return row ?? null;
  }

  /** Gives one version; null when there is none such. */
  findVersion(videoId: string, version: TranscriptVersion): Promise<Transcript | null> {
    return this.#em.findOne(Transcript, whichOf(videoId, version), { orderBy: { version: 'desc' } });
  }

  /**
   * Adds the next version. It also says what language a video is in that did not say so itself. Of the edited versions
   * the newest `MAX_EDITED_VERSIONS` are kept; those of a machine all stay.
   *
   * @returns null when the video is deleted or gone: nothing was added
   */
  add({ videoId, ...transcript }: NewTranscript): Promise<Transcript | null> {
    return this.#em.transactional(async (tx) => {
      // The lock also makes the numbers of two at once different ones.
      const video = await tx.findOne(
        Video,
        { id: videoId, deletedAt: null },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      );
      if (!video) return null;
      const columns = storableJson(transcript);
      video.language ??= columns.language;
      const [newest] = await tx.find(
        Transcript,
        { video: videoId },
        { fields: ['version'], orderBy: { version: 'desc' }, limit: 1 },
      );
      const version = (newest?.version ?? 0) + 1;
      const row = tx.create(Transcript, { ...columns, video, version } as RequiredEntityData<Transcript>);
      await tx.flush();
      if (row.kind === 'edited') await dropOldestEdited(tx, videoId);
      await indexVideo(tx, videoId);
      if (row.kind === 'edited') await tellVideo(tx, videoId, 'video.updated');
      return row;
    });
  }
}

/** The newest of all versions is never among them, so no number is given twice. */
async function dropOldestEdited(tx: EntityManager, videoId: string): Promise<void> {
  await tx.execute(
    `delete from transcripts where video_id = ? and kind = 'edited' and version <= (
       select version from transcripts where video_id = ? and kind = 'edited'
       order by version desc offset ? limit 1)`,
    [videoId, videoId, MAX_EDITED_VERSIONS],
  );
}
