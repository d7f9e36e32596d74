import { toCues } from '../cues.ts';
import type { TranscriptSegment } from '../transcript.ts';
import { formatTimestamp } from './timestamps.ts';

/**
 * SubRip has no way to escape. Players take tags by their `<`, and codes of other formats by `{` and by a backslash, so an unseen
 * joiner stands between those and what would make them one. A lone `>`, as in `>> Yes`, and a lone `&` stay as they are: most
 * players know no entities, and would show them.
 */
const escapeText = (text: string): string =>
  text
    .replace(/&(?=(?:lt|gt|amp|nbsp|lrm|rlm|quot|apos|#x?[0-9a-f]{1,6});)/gi, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('-->', '--&gt;')
    .replace(/[{\\](?!\u2060)/gu, '$&\u2060');

/** Writes segments as SubRip, with the line ends of Windows that it was born with. Speakers have no place in it. */
export const toSubRip = (segments: readonly TranscriptSegment[]): string =>
  toCues(segments)
    .map(({ startMs, endMs, lines }, index) =>
      [
        index + 1,
        `${formatTimestamp(startMs, ',')} --> ${formatTimestamp(endMs, ',')}`,
        ...lines.map(escapeText),
        '\r\n',
      ].join('\r\n'),
    )
    .join('');
