import { toCues } from '../cues.ts';
import type { TranscriptSegment } from '../transcript.ts';
import { formatTimestamp } from './timestamps.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escapeText = (text: string): string => text.replace(/[&<>]/g, (sign) => ENTITIES[sign] ?? sign);

/**
 * Writes segments as WebVTT (https://www.w3.org/TR/webvtt1/). Nothing of their text becomes a tag or a time, since those need a
 * `<` or a `-->`; nor a block of its own, since no line of a cue is empty.
 */
export function toWebVtt(segments: readonly TranscriptSegment[]): string {
  const blocks = toCues(segments).map(({ startMs, endMs, lines, speaker }) => {
    // The end of a tag after two of them would be an arrow, which ends the cue.
    const name = speaker?.replace(/[\s-]+$/u, '') ?? '';
    const voice = name === '' ? '' : `<v ${escapeText(name)}>`;
    const timing = `${formatTimestamp(startMs, '.')} --> ${formatTimestamp(endMs, '.')}`;
    return `\n${timing}\n${voice}${lines.map(escapeText).join('\n')}\n`;
  });
  return `WEBVTT\n${blocks.join('')}`;
}
