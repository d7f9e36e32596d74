/** Texts of posts, beside the video and in params alike. */

/** As long as the longest text that any platform takes: what each of them takes is for the preflight to say. */
export const MAX_POST_TEXT_CHARS = 63_206;

/** Gives a text as it is kept: its lines end in LF, whatever a form made of them, and nothing is around it. */
export const normalizePostText = (text: string): string => text.replace(/\r\n?/g, '\n').trim();

/** What makes a text none that could be posted; tabs and ends of lines are fine. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds
export const hasControls = (text: string): boolean => /[\u0000-\u0008\u000b-\u001f\u007f]/.test(text);

export const NO_CONTROLS = 'must not contain control characters';
