/** The transcript of a trim or a merge, out of those of the videos that it was made of. */
import { type Excerpt, retime } from './retiming.ts';
import type { TranscriptContent, TranscriptKind } from './transcript.ts';
import { mostCommon } from './transcriptJoin.ts';

/** One of the videos, and what is said in it; null for one that nothing can be heard in. */
export interface SpokenPart {
  videoId: string;
  durationSec: number;
  transcript: (TranscriptContent & { kind: TranscriptKind; model: string | null }) | null;
}

/** How the result was made of them. */
export interface MadeOf {
  /** The range of the one video that a trim shows; null for a merge. */
  usedStartSec: number | null;
  usedEndSec: number | null;
  /** When each video of a merge begins in the result, in their order; null for a trim. */
  startsSec: readonly number[] | null;
  /** Of the result. */
  durationSec: number;
}

export type CarriedTranscript = NonNullable<SpokenPart['transcript']>;

/**
 * Carries transcripts over. The result is `edited` as soon as one of them is: a person's words are in it. One that turns
 * out empty is not: nobody said that of the result, and it would stand before whatever is found in it later.
 */
export function carryOver(parts: readonly SpokenPart[], made: MadeOf): CarriedTranscript {
  const spoken = parts.flatMap(({ transcript }) => transcript ?? []);
  const models = [...new Set(spoken.map(({ model }) => model))];
  const segments = retime(excerptsOf(parts, made));
  const isEdited = segments.length > 0 && spoken.some(({ kind }) => kind === 'edited');
  return {
    kind: isEdited ? 'edited' : 'machine',
    language: mostCommon(spoken.map(({ language }) => language)),
    model: models.length === 1 ? (models[0] ?? null) : null,
    segments,
  };
}

function excerptsOf(parts: readonly SpokenPart[], made: MadeOf): Excerpt[] {
  const ranges = made.startsSec ? mergedRanges(made.startsSec, made.durationSec) : [trimmedRange(made)];
  return parts.flatMap(({ videoId, transcript }, at) => {
    const range = ranges[at];
    if (!range || !transcript) return [];
    const hasKnownSpeakers = transcript.kind === 'edited';
    return [{ ...range, videoId, segments: transcript.segments, hasKnownSpeakers }];
  });
}

const trimmedRange = ({ usedStartSec, usedEndSec, durationSec }: MadeOf) => {
  const startSec = usedStartSec ?? 0;
  return { startSec, endSec: usedEndSec ?? startSec + durationSec, atSec: 0 };
};

const mergedRanges = (startsSec: readonly number[], durationSec: number) =>
  startsSec.map((atSec, at) => ({ startSec: 0, endSec: (startsSec[at + 1] ?? durationSec) - atSec, atSec }));

/** When each of several videos would begin if they followed each other at their own lengths. */
export function startsByLength(parts: readonly Pick<SpokenPart, 'durationSec'>[]): number[] {
  let endSec = 0;
  return parts.map(({ durationSec }) => {
    const startSec = endSec;
    endSec += durationSec;
    return startSec;
  });
}
