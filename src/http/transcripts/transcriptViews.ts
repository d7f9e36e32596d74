import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Transcript } from '../../db/entities/transcript.ts';
import type { TranscriptVersion } from '../../db/transcripts.ts';
import { toPlainText } from '../../domain/subtitles/plainText.ts';
import { toSubRip } from '../../domain/subtitles/subrip.ts';
import { toWebVtt } from '../../domain/subtitles/webvtt.ts';
import {
  MAX_SPEAKER_CHARS,
  TRANSCRIPT_KINDS,
  type TranscriptSegment,
  type TranscriptWord,
  transcriptText,
} from '../../domain/transcript.ts';
import { etagOf, type Representation } from '../bytes/sendBytes.ts';
import type { RouteDeps } from '../route.ts';

const timed = {
  start_sec: z.number().min(0),
  end_sec: z.number().min(0),
  text: z.string(),
};

export const wordSchema = z.strictObject(timed).meta({ id: 'TranscriptWord' });

export const segmentSchema = z
  .strictObject({
    ...timed,
    speaker: z
      .string()
      .optional()
      .meta({ description: `Who speaks, where that is known; ${MAX_SPEAKER_CHARS} characters are kept` }),
    words: z.array(wordSchema).optional().meta({ description: 'The same text word by word' }),
  })
  .meta({ id: 'TranscriptSegment' });

export const transcriptSchema = z
  .strictObject({
    language: z.string().nullable(),
    version: z.int().meta({ description: 'Every change makes the next one; none is ever changed' }),
    kind: z.enum(TRANSCRIPT_KINDS).meta({ description: 'Whether a machine made it or a person' }),
    model: z.string().nullable().meta({ description: 'Who made it, where a machine did' }),
    created_at: z.iso.datetime(),
    text: z.string().meta({ description: 'All of it' }),
    segments: z.array(segmentSchema),
  })
  .meta({ id: 'Transcript' });

const toWordView = ({ startSec, endSec, text }: TranscriptWord): z.output<typeof wordSchema> => ({
  start_sec: startSec,
  end_sec: endSec,
  text,
});

const toSegmentView = ({ speaker, words, ...timed }: TranscriptSegment): z.output<typeof segmentSchema> => ({
  ...toWordView(timed),
  ...(speaker === undefined ? {} : { speaker }),
  ...(words === undefined ? {} : { words: words.map(toWordView) }),
});

export const toTranscriptView = (transcript: Transcript): z.output<typeof transcriptSchema> => ({
  language: transcript.language ?? null,
  version: transcript.version,
  kind: transcript.kind,
  model: transcript.model ?? null,
  created_at: transcript.createdAt.toISOString(),
  text: transcriptText(transcript),
  segments: transcript.segments.map(toSegmentView),
});

/** How a transcript can be had. */
export const TRANSCRIPT_FORMATS = {
  json: {
    contentType: 'application/json',
    write: (transcript: Transcript) => JSON.stringify(toTranscriptView(transcript)),
  },
  vtt: { contentType: 'text/vtt', write: ({ segments }: Transcript) => toWebVtt(segments) },
  srt: { contentType: 'application/x-subrip', write: ({ segments }: Transcript) => toSubRip(segments) },
  txt: { contentType: 'text/plain', write: ({ segments }: Transcript) => toPlainText(segments) },
} as const;
export type TranscriptFormat = keyof typeof TRANSCRIPT_FORMATS;

/**
 * The number of how transcripts are written: to be raised whenever one of the formats comes out in another way, so that nobody keeps
 * the old one for the new.
 */
export const WRITER = 1;

/** Of a version, in a format: a version never changes. Where lines may be broken, is for Unicode to say. */
export const transcriptEtag = (id: string, format: TranscriptFormat): string =>
  etagOf(id, format, WRITER, process.versions.unicode ?? '');

/** Which transcript, and how; `base` is the name of the file, without an extension. */
export interface WantedTranscript {
  videoId: string;
  /** The current one where it is left out. */
  version?: TranscriptVersion | undefined;
  format: TranscriptFormat;
  base: string;
}

/** Gives a transcript as a file, written once for all who ask for it; null when there is none such. */
export async function representTranscript(
  { db, writtenTranscripts }: Pick<RouteDeps, 'db' | 'writtenTranscripts'>,
  { videoId, version, format, base }: WantedTranscript,
): Promise<Representation | null> {
  const { contentType, write } = TRANSCRIPT_FORMATS[format];
  const found = await db.transcripts.identify(videoId, version);
  if (!found) return null;
  const bytes = await writtenTranscripts.get(`${found.id}.${format}`, async () => {
    const transcript = await db.transcripts.find(found.id);
    return transcript && Buffer.from(write(transcript));
  });
  return (
    bytes && {
      sizeBytes: bytes.length,
      modifiedAt: found.createdAt,
      etag: transcriptEtag(found.id, format),
      contentType: `${contentType}; charset=utf-8`,
      disposition: { type: 'inline', filename: `${base}.${format}` },
      open: async (range) =>
        Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes], { objectMode: false }),
    }
  );
}
