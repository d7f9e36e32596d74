import type { EntityManager } from '@mikro-orm/postgresql';
import { Step } from './entities/step.ts';
import { Transcript } from './entities/transcript.ts';
import { Video } from './entities/video.ts';
import { hasSound } from './transcriptOrigins.ts';

/**
 * What the result of an edit inherits: no step `transcript` at all, one that may also send its sound to be transcribed,
 * or one that only carries over what is there.
 */
export type InheritedTranscript = 'none' | 'made' | 'carried';

/**
 * Says whether a video that is made of others is to have a transcript: where one of them was to have one, or has one. Its
 * sound is theirs, so it is never sent where that of one of them was not to be. Of one that is gone nobody knows.
 */
export async function inheritTranscript(
  em: EntityManager,
  parents: readonly string[],
): Promise<InheritedTranscript> {
  const ids = [...new Set(parents)];
  const [videos, steps, spoken] = [
    await em.find(Video, { id: { $in: ids } }),
    await em.find(Step, { video: { $in: ids }, name: 'transcript' }),
    await em.count(Transcript, { video: { $in: ids } }),
  ];
  if (steps.length === 0 && spoken === 0) return 'none';
  const silent = videos.filter((video) => hasSound(video) === false);
  const maySend = new Set([
    ...steps.filter(({ options }) => !options?.carriesOnly).map(({ video }) => video.id),
    ...silent.map(({ id }) => id),
  ]);
  return ids.every((id) => maySend.has(id)) ? 'made' : 'carried';
}
