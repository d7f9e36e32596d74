/** What there is in texts, counted once for all who ask: many accounts and platforms get the same ones. */
import type { LengthUnit } from './captionLimits.ts';

/** Counts a text in a unit. */
export type CountUnits = (text: string, unit: LengthUnit) => number;

/** Those with a letter are hashtags wherever there are any; `#1` may be a number only. */
export type TagKind = 'hashtags' | 'letteredHashtags' | 'mentions';

export interface TextCounts {
  units: CountUnits;
  /** Counts the hashtags, or the mentions, of a text. */
  tags: (text: string, kind: TagKind) => number;
}

const TAGS: Record<TagKind, RegExp> = {
  hashtags: /(?<![\p{L}\p{N}_&/])[#＃][\p{L}\p{M}\p{N}_]+/gu,
  letteredHashtags: /(?<![\p{L}\p{N}_&/])[#＃](?=[\p{N}_]*\p{L})[\p{L}\p{M}\p{N}_]+/gu,
  mentions: /(?<![\p{L}\p{N}_.@/])@[\p{L}\p{N}_][\p{L}\p{N}_.]*/gu,
};

function remember<Kind>(count: (text: string, kind: Kind) => number): (text: string, kind: Kind) => number {
  const known = new Map<Kind, Map<string, number>>();
  return (text, kind) => {
    const ofKind = known.get(kind) ?? new Map<string, number>();
    known.set(kind, ofKind);
    const counted = ofKind.get(text) ?? count(text, kind);
    ofKind.set(text, counted);
    return counted;
  };
}

/**
 * Counts texts, and remembers what it has counted: to be made anew for each post. The characters of a long text take
 * tens of milliseconds, in which a process does nothing else.
 */
export const createTextCounts = (countUnits: CountUnits): TextCounts => ({
  units: remember(countUnits),
  tags: remember((text, kind) => text.match(TAGS[kind])?.length ?? 0),
});
