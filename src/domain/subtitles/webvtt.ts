import { toCues } from '../cues.ts';
import type { TranscriptSegment } from '../transcript.ts';
import { formatTimestamp } from './timestamps.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escapeText = (text: string): string => text.replace(/[&<>]/g, (sign) => ENTITIES[sign] ?? sign);

/** The end of a tag after two hyphens would be an arrow, which ends the cue. */
function trimHyphens(name: string): string {
  let end = name.length;
  while (end > 0 && /[\s-]/u.test(name.charAt(end - 1))) end -= 1;
  return name.slice(0, end);
}

/**
 * Writes segments as WebVTT (https://www.w3.org/TR/webvtt1/). Nothing of their text becomes a tag or a time, since those need a
 * `<` or a `-->`; nor a block of its own, since no line of a cue is empty.
 */
export function toWebVtt(segments: readonly TranscriptSegment[]): string {
  const blocks = toCues(segments).map(({ startMs, endMs, lines, speaker }) => {
    const name = trimHyphens(speaker ?? '');
    const voice = name === '' ? '' : `<v ${escapeText(name)}>`;
    const timing = `${formatTimestamp(startMs, '.')} --> ${formatTimestamp(endMs, '.')}`;
    return `\n${timing}\n${voice}${lines.map(escapeText).join('\n')}\n`;
  });
  return `WEBVTT\n${blocks.join('')}`;
}
