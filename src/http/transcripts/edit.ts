import { isDeepStrictEqual } from 'node:util';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Transcript } from '../../db/entities/transcript.ts';
import type { Video } from '../../db/entities/video.ts';
import { MAX_EDITED_VERSIONS } from '../../db/transcripts.ts';
import { layText } from '../../domain/layText.ts';
import {
  readSubtitles,
  recognizeSubtitles,
  type SubtitleFormat,
} from '../../domain/subtitles/readSubtitles.ts';
import type { TranscriptContent, TranscriptSegment } from '../../domain/transcript.ts';
import { idParams } from '../parse.ts';
import { HttpProblem, invalidRequest, notFound } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { missing } from '../videoFiles.ts';
import { findVideo } from '../videos.ts';
import { editBody, type GivenFields, languageField, MAX_ERRORS, parseGivenFields } from './givenFields.ts';
import { MAX_BYTES, MAX_JSON_BYTES, readText } from './readText.ts';
import { assertTextFits, type PathOf, settleSegments } from './settleSegments.ts';
import {
  TRANSCRIPT_FORMATS,
  type TranscriptFormat,
  toTranscriptView,
  transcriptEtag,
  transcriptSchema,
} from './transcriptViews.ts';

/** SubRip was never registered: its names are those that are in use. */
const FORMATS: Readonly<Record<string, SubtitleFormat | 'json' | 'txt'>> = {
  'application/json': 'json',
  'text/vtt': 'vtt',
  'application/x-subrip': 'srt',
  'application/srt': 'srt',
  'text/srt': 'srt',
  'text/plain': 'txt',
};

/** What was sent, and where in it each segment stands. */
interface Given extends GivenFields {
  pathOf: PathOf;
}

/** @throws HttpProblem what reading and parsing throw */
async function readGiven(ctx: Context): Promise<Given> {
  const pathOf: PathOf = (index, field) => `segments.${index}.${field}`;
  const type = ctx.is(Object.keys(FORMATS));
  // Without a body the schema says what is missing.
  const format = type === null ? 'json' : FORMATS[type || ''];
  if (!format) {
    const types = Object.keys(FORMATS).join(', ');
    throw new HttpProblem('unsupported_media_type', `The body must be one of ${types}`);
  }
  const body = type === null ? '{}' : await readText(ctx, format === 'json' ? MAX_JSON_BYTES : MAX_BYTES);
  if (format === 'json') {
    const fields = parseGivenFields(body);
    return { ...fields, pathOf: fields.segments ? pathOf : null };
  }
  const subtitles = format === 'txt' ? recognizeSubtitles(body) : format;
  return subtitles ? parseSubtitles(body, subtitles) : { text: body, pathOf: null };
}

/** @throws HttpProblem `invalid_request` */
function parseSubtitles(body: string, format: SubtitleFormat): Given {
  const { segments, badTimings, isKnown } = readSubtitles(body, format);
  if (badTimings.length > 0) {
    throw invalidRequest(
      badTimings
        .slice(0, MAX_ERRORS)
        .map((line) => ({ path: `line ${line}`, message: 'is no time of a cue' })),
    );
  }
  if (!isKnown)
    throw invalidRequest([
      { path: 'line 1', message: `begins no ${format === 'vtt' ? 'WebVTT' : 'SubRip'}` },
    ]);
  const lines = segments.map(({ line }) => line);
  return {
    segments: segments.map(({ line: _, ...segment }) => segment),
    pathOf: (index) => `line ${lines[index]}`,
  };
}

/** @throws HttpProblem `not_ready` while nobody knows how long the video is */
function durationOf(video: Video): number {
  if (video.durationSec !== null && video.durationSec !== undefined) return video.durationSec;
  throw missing('not_ready', video, 'How long the video is, is not known yet; its status says more');
}

function toSegments(
  { text, segments, pathOf }: Given,
  durationSec: number,
  before: readonly TranscriptSegment[],
): TranscriptSegment[] {
  if (!segments) assertTextFits(text ?? '');
  const laid = segments ?? layText(text ?? '', before, { startSec: 0, endSec: durationSec });
  return settleSegments(laid, durationSec, pathOf);
}

/**
 * A correction was made against a version that its sender had seen, in whatever format.
 *
 * @throws HttpProblem `precondition_failed` when it is not the current one any more
 */
function requireMatch(ctx: Context, current: Transcript | null): void {
  const wanted = ctx.get('If-Match');
  if (wanted === '') return;
  const formats = Object.keys(TRANSCRIPT_FORMATS) as TranscriptFormat[];
  const known = current ? ['*', ...formats.map((format) => transcriptEtag(current.id, format))] : [];
  if (!wanted.split(',').some((tag) => known.includes(tag.trim()))) {
    throw new HttpProblem('precondition_failed', 'Somebody else has changed the transcript; get it again');
  }
}

/** Whoever sends again what is there, not having heard the answer, has changed nothing. */
const isSame = (current: Transcript, { language, segments }: TranscriptContent): boolean =>
  (current.language ?? null) === language && isDeepStrictEqual(current.segments, segments);

const anyText = { type: 'string' };

const editTranscript = defineRoute({
  method: 'put',
  path: '/v1/videos/:id/transcript',
  operationId: 'editTranscript',
  tag: 'Transcripts',
  summary: 'Write or correct what is said in a video',
  description: [
    `Makes a new version, which everything uses from then on. Those of a machine stay, and of the edited ones the newest ${MAX_EDITED_VERSIONS};`,
    'no number is given twice. Lines of plain text that stayed keep the times of the version before, and what is new gets those of what it replaces; without one, the whole duration is shared out.',
    'What changes nothing makes no version. What `GET` gives may be sent back in each of its formats.',
    'Captions may have hours left out, either decimal point, and any order; their styles are dropped.',
    'At most 2 MiB (6 MiB of JSON), 20,000 segments and 500,000 characters.',
  ].join('\n'),
  scope: 'write',
  rawBody: true,
  params: idParams,
  query: z.strictObject({ language: languageField.optional() }),
  body: editBody,
  headers: [
    {
      name: 'If-Match',
      description:
        'The `ETag` of the current version, in any of its formats: refused when somebody else was faster',
    },
  ],
  requestBodies: [
    { contentType: 'text/vtt', schema: anyText },
    { contentType: 'application/x-subrip', schema: anyText },
    { contentType: 'text/plain', schema: anyText },
  ],
  responses: {
    200: {
      description: 'The new version, or the current one where nothing is changed',
      schema: transcriptSchema,
    },
    400: { description: '`invalid_json`; `invalid_body`: not in its charset' },
    409: { description: '`not_ready`: how long the video is, is not known yet' },
    412: { description: '`precondition_failed`: it is not the version of `If-Match` any more' },
    413: { description: '`too_large`' },
    415: { description: '`unsupported_media_type`' },
  },
  handler: async (request) => {
    const { ctx, deps, params, query } = request;
    const video = await findVideo(request, params.id);
    const durationSec = durationOf(video);
    const given = await readGiven(ctx);
    const transcript = await deps.db.transaction(async ({ transcripts }) => {
      const before = await transcripts.lockCurrent(video.id);
      requireMatch(ctx, before);
      const segments = toSegments(given, durationSec, before?.segments ?? []);
      const said = given.language === undefined ? query.language : given.language;
      const known = (before ?? video).language ?? null;
      const language = said === undefined ? known : said;
      if (before && isSame(before, { language, segments })) return before;
      return transcripts.add({ videoId: video.id, kind: 'edited', language, model: null, segments });
    });
    if (!transcript) throw notFound();
    return { status: 200, body: toTranscriptView(transcript) };
  },
});

export const transcriptEditRoutes: readonly Route[] = [editTranscript];
