/** The words of captions: the text beside a post, written by a language model. */

/** `running` until it is written, or cannot be. */
export const CAPTION_STATUSES = ['running', 'succeeded', 'failed'] as const;
export type CaptionStatus = (typeof CAPTION_STATUSES)[number];

/** What a caption cost, in the tokens of its model; null where the service does not say. */
export interface CaptionUsage {
  promptTokens: number | null;
  completionTokens: number | null;
  totalTokens: number | null;
}
