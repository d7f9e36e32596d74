import type { EntityManager } from '@mikro-orm/postgresql';
import { soundStreamsOf } from '../domain/media.ts';
import { FINAL_STEP_STATES } from '../domain/video.ts';
import { Edit } from './entities/edit.ts';
import { Step } from './entities/step.ts';
import type { Transcript } from './entities/transcript.ts';
import { Video } from './entities/video.ts';
import { TranscriptQueries } from './transcripts.ts';

/** A video that another one was made of, and what is said in it; null for one without sound. */
export interface OriginPart {
  video: Video;
  transcript: Transcript | null;
}

/**
 * Where the words of a video can come from: `own` sound alone, or the videos that it was made of, in their order;
 * `waiting` while the words of one of these are still being found.
 */
export type TranscriptOrigin =
  | { outcome: 'own' }
  | { outcome: 'waiting'; videoId: string }
  | { outcome: 'parents'; edit: Edit; parts: OriginPart[] };

/** Whether anything can be heard in a video; null while nobody knows. */
export const hasSound = ({ streams }: Video): boolean | null =>
  streams ? soundStreamsOf({ streams }).length > 0 : null;

/** Says where the words of results of trims and merges come from. */
export class TranscriptOriginQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Looks whether every video with sound that this one was made of has a transcript. */
  async find(videoId: string): Promise<TranscriptOrigin> {
    const edit = await this.#em.findOne(Edit, { video: videoId });
    if (!edit) return { outcome: 'own' };
    const parts = new Map<string, OriginPart>();
    for (const id of new Set(edit.parents)) {
      const video = await this.#em.findOne(Video, { id, deletedAt: null });
      if (!video) return { outcome: 'own' };
      const transcript = hasSound(video) ? await this.#findTranscript(id) : null;
      if (transcript === 'waiting') return { outcome: 'waiting', videoId: id };
      if (hasSound(video) && !transcript) return { outcome: 'own' };
      parts.set(id, { video, transcript });
    }
    const isSpoken = [...parts.values()].some(({ transcript }) => transcript !== null);
    if (!isSpoken) return { outcome: 'own' };
    return { outcome: 'parents', edit, parts: edit.parents.flatMap((id) => parts.get(id) ?? []) };
  }

  /** What a person has edited is not waited for to be made again. */
  async #findTranscript(videoId: string): Promise<Transcript | 'waiting' | null> {
    const current = await new TranscriptQueries(this.#em).findCurrent(videoId);
    if (current?.kind === 'edited') return current;
    const state = { $nin: [...FINAL_STEP_STATES] };
    const unfinished = await this.#em.count(Step, { video: videoId, name: 'transcript', state });
    return unfinished > 0 ? 'waiting' : current;
  }
}
