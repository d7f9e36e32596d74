import type { EntityManager } from '@mikro-orm/postgresql';
import type { TranscriptWish } from '../domain/transcript.ts';
import { FINAL_STEP_STATES } from '../domain/video.ts';
import { Asset } from './entities/asset.ts';
import { Step } from './entities/step.ts';
import { Video } from './entities/video.ts';

const SPEECH_KINDS = ['speech_audio', 'speech_index'] as const;

/** The sound of a video as it was extracted to be transcribed; without `audio` when nothing is heard in it. */
export interface StoredSpeech {
  index: Asset;
  audio: Asset | null;
}

/**
 * Forgets the extracted sound of a video that nobody is transcribing any more, however that ended; the files are found
 * as objects without a row. Whoever retries extracts it again, which costs little.
 */
export async function forgetSpeech(em: EntityManager, videoId: string): Promise<void> {
  const unfinished = { $nin: [...FINAL_STEP_STATES] };
  if ((await em.count(Step, { video: videoId, name: 'transcript', state: unfinished })) > 0) return;
  await em.nativeDelete(Asset, { video: videoId, kind: { $in: [...SPEECH_KINDS] } });
}

/** What is peculiar to the step `transcript`: its options, and the sound that is there until it has ended. */
export class TranscriptStepQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** The video of a step that this run has to do, and what is wanted of it; null when there is nothing to be done. */
  async findWaiting(
    videoId: string,
    run: number,
  ): Promise<{ video: Video; options: TranscriptWish | null } | null> {
    const unfinished = { $nin: [...FINAL_STEP_STATES] };
    const which = { video: videoId, name: 'transcript', run, state: unfinished } as const;
    const step = await this.#em.findOne(Step, which);
    const video = step && (await this.#em.findOne(Video, { id: videoId }));
    return video && { video, options: step.options ?? null };
  }

  /** Gives the extracted sound; null when there is none. */
  async findSpeech(videoId: string): Promise<StoredSpeech | null> {
    const assets = await this.#em.find(Asset, { video: videoId, kind: { $in: [...SPEECH_KINDS] } });
    const index = assets.find(({ kind }) => kind === 'speech_index');
    return index ? { index, audio: assets.find(({ kind }) => kind === 'speech_audio') ?? null } : null;
  }

  /** Lets go of the extracted sound. @returns the keys, for removal */
  async dropSpeech(videoId: string): Promise<string[]> {
    const assets = await this.#em.find(Asset, { video: videoId, kind: { $in: [...SPEECH_KINDS] } });
    await this.#em.nativeDelete(Asset, { id: { $in: assets.map(({ id }) => id) } });
    return assets.map(({ key }) => key);
  }
}
