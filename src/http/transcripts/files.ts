import { z } from 'zod';
import { TRANSCRIPT_KINDS } from '../../domain/transcript.ts';
import { sendBytes } from '../bytes/sendBytes.ts';
import { idParams } from '../parse.ts';
import { defineRoute, type Route } from '../route.ts';
import { baseName, bytesResponses, missingTranscript } from '../videoFiles.ts';
import { findVideo } from '../videos.ts';
import {
  representTranscript,
  TRANSCRIPT_FORMATS,
  type TranscriptFormat,
  transcriptSchema,
} from './transcriptViews.ts';

/** The largest number that the column of versions takes. */
const MAX_VERSION = 2 ** 31 - 1;

const versionQuery = z.strictObject({
  version: z
    .union([z.enum(TRANSCRIPT_KINDS), z.coerce.number().int().min(1).max(MAX_VERSION)], {
      error: 'must be machine, edited or the number of a version',
    })
    .optional()
    .meta({
      description:
        'The newest of a kind, or one by its number; without it the newest that somebody has edited, else the newest of a machine',
    }),
});

const transcriptRoute = (format: TranscriptFormat, operationId: string, summary: string): Route =>
  defineRoute({
    method: 'get',
    path: `/v1/videos/:id/transcript.${format}`,
    operationId,
    tag: 'Transcripts',
    summary,
    scope: 'read',
    params: idParams,
    query: versionQuery,
    responses: {
      ...bytesResponses(TRANSCRIPT_FORMATS[format].contentType),
      ...(format === 'json' ? { 200: { description: 'The transcript', schema: transcriptSchema } } : {}),
      404: { description: '`no_transcript`: none, none yet, or no such version; `not_found`' },
    },
    handler: async (request) => {
      const video = await findVideo(request, request.params.id);
      const { version } = request.query;
      const wanted = { videoId: video.id, version, format, base: baseName(video) };
      const file = await representTranscript(request.deps, wanted);
      if (!file) throw missingTranscript(video);
      return sendBytes(request.ctx, file);
    },
  });

export const transcriptFileRoutes: readonly Route[] = [
  transcriptRoute('json', 'getTranscript', 'What is said in a video, with times'),
  transcriptRoute('vtt', 'getTranscriptAsWebVtt', 'The same as captions for browsers'),
  transcriptRoute('srt', 'getTranscriptAsSubRip', 'The same as SubRip subtitles'),
  transcriptRoute('txt', 'getTranscriptAsText', 'The same as plain text, a line for each segment'),
];
