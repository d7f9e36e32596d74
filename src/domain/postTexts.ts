/** Texts of posts, beside the video and in params alike. */

/** As long as the longest text that any platform takes: what each of them takes is for the preflight to say. */
export const MAX_POST_TEXT_CHARS = 63_206;
