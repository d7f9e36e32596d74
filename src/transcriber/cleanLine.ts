/** What stands for no sound and for no space: control characters and the ends of lines. */
const UNSEEN = /[\p{Cc}\u2028\u2029]+/gu;
/**
 * What turns the direction of all that follows, marks of the order of bytes, spaces without width, halves of a
 * character, and what stands for one that was not understood: a transcript with that could not be given back to us.
 * Joiners stay, since Persian and families of pictures are written with them.
 */
const DROPPED = /[\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\ufffd]|\p{Cs}/gu;

/** Gives a text in one line, without what no text should hold. Data all the same: whoever shows it escapes it. */
export const cleanLine = (text: string): string =>
  text.replace(UNSEEN, ' ').replace(DROPPED, '').replace(/\s+/gu, ' ').trim();
