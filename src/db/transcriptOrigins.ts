import type { EntityManager } from '@mikro-orm/postgresql';
import { soundStreamsOf } from '../domain/media.ts';
import { FINAL_STEP_STATES } from '../domain/video.ts';
import { Edit } from './entities/edit.ts';
import { Step } from './entities/step.ts';
import type { Transcript } from './entities/transcript.ts';
import { Video } from './entities/video.ts';
import { TranscriptQueries } from './transcripts.ts';

/** A video that another one was made of, and what is said in it; null for one of which no words are there. */
export interface OriginPart {
  videoId: string;
  /** Null for one that is gone. */
  durationSec: number | null;
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

  /**
   * Looks whether every video with sound that this one was made of has a transcript. Once one of them was edited by a
   * person, or with `carriesOnly`, what there is will do.
   */
  async find(videoId: string, { carriesOnly }: { carriesOnly: boolean }): Promise<TranscriptOrigin> {
    const edit = await this.#em.findOne(Edit, { video: videoId });
    if (!edit) return OWN;
    const sights = new Map<string, Sight>();
    for (const id of new Set(edit.parents)) {
      const sight = await this.#look(id);
      if (sight === 'waiting') return { outcome: 'waiting', videoId: id };
      sights.set(id, sight);
    }
    const all = [...sights.values()];
    const isSpoken = all.some(({ part }) => part.transcript !== null);
    const isWhole = all.every(({ isLacking }) => !isLacking);
    const isEdited = all.some(({ part }) => part.transcript?.kind === 'edited');
    if (!isSpoken || !(isWhole || isEdited || carriesOnly) || !canPlace(edit, all)) return OWN;
    return { outcome: 'parents', edit, parts: edit.parents.flatMap((id) => sights.get(id)?.part ?? []) };
  }

  async #look(videoId: string): Promise<Sight | 'waiting'> {
    const video = await this.#em.findOne(Video, { id: videoId, deletedAt: null });
    if (!video) return { part: { videoId, durationSec: null, transcript: null }, isLacking: true };
    const transcript = hasSound(video) ? await this.#findTranscript(videoId) : null;
    if (transcript === 'waiting') return transcript;
    const part = { videoId, durationSec: video.durationSec ?? 0, transcript };
    return { part, isLacking: hasSound(video) === true && !transcript };
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

const OWN: TranscriptOrigin = { outcome: 'own' };

/** What is found of one video; one that lacks words has some that nobody has written down. */
interface Sight {
  part: OriginPart;
  isLacking: boolean;
}

/** Of older merges it is not noted when each video begins: the length of every one has to be known. */
const canPlace = ({ kind, startsSec }: Edit, sights: readonly Sight[]): boolean =>
  kind === 'trim' || Boolean(startsSec) || sights.every(({ part }) => part.durationSec !== null);
