/** Gives the beginning of a text, never half a character, and no space at its end. */
export const cutText = (text: string, mostChars: number): string =>
  text
    .slice(0, mostChars)
    .replace(/\p{Cs}$/u, '')
    .trimEnd();
