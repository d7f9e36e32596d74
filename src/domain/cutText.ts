/** Gives the beginning of a text, without the half of a character that cutting leaves, and without a space at its end. */
export const cutText = (text: string, mostChars: number): string =>
  text
    .slice(0, mostChars)
    .replace(/\p{Cs}$/u, '')
    .trimEnd();
