import { cleanText, unwrapText } from '../cueText.ts';
import type { TranscriptSegment } from '../transcript.ts';

/** Writes segments as plain text: a line each. */
export const toPlainText = (segments: readonly TranscriptSegment[]): string =>
  segments
    .map(({ text }) => unwrapText(cleanText(text)))
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');
