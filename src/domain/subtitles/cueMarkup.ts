import { cleanText, unwrapText } from '../cueText.ts';

/** Words of one speaker within a cue. */
export interface VoiceText {
  text: string;
  speaker?: string;
}

/**
 * Only what is known to be a tag is taken for one: of `<inaudible>` and `a < b` nothing may get lost. No two parts of it take the
 * same characters: where the end is missing, each is looked at once.
 */
const TAG = /<(?:(\/?)(v|[bcisu]|lang|ruby|rt|font)((?:\.[^\s.<>]+)*)(?:\s([^<>]*))?|[\d:.]+)>/giu;
/** Codes of other formats that are common in SubRip: `{\an8}`. */
const CODE = /\{\\[^{}]*\}/gu;
const JOINED = /([{\\])\u2060/gu;

/** Those that WebVTT names, with the two quotes; it also takes numbers. */
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: '\u00a0',
  lrm: '\u200e',
  rlm: '\u200f',
  quot: '"',
  apos: "'",
};

const MAX_CODE_POINT = 0x10ffff;

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,4}));/gi,
    (whole, hex?: string, decimal?: string, name = '') => {
      if (hex === undefined && decimal === undefined) return ENTITIES[name.toLowerCase()] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code > 0 && code <= MAX_CODE_POINT ? String.fromCodePoint(code) : whole;
    },
  );
}

/**
 * Reads the text of a cue: without its tags, with what its entities stand for, and by speaker where it names some.
 *
 * @returns nothing for a cue that shows nothing
 */
export function readCueMarkup(markup: string, format: 'vtt' | 'srt'): VoiceText[] {
  const voices: VoiceText[] = [];
  const add = (text: string, speaker: string) => {
    const clean = cleanText(
      format === 'srt' ? decodeEntities(text).replace(JOINED, '$1') : decodeEntities(text),
    );
    if (clean !== '') voices.push(speaker === '' ? { text: clean } : { text: clean, speaker });
  };
  const source = format === 'srt' ? markup.replace(CODE, '') : markup;
  let [speaker, said, from] = ['', '', 0];
  for (const tag of source.matchAll(TAG)) {
    said += source.slice(from, tag.index);
    from = tag.index + tag[0].length;
    if (tag[2]?.toLowerCase() !== 'v') continue;
    add(said, speaker);
    said = '';
    speaker = tag[1] === '/' ? '' : unwrapText(cleanText(decodeEntities(tag[4] ?? '')));
  }
  add(said + source.slice(from), speaker);
  return voices;
}
