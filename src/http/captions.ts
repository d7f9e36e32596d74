import { z } from 'zod';
import type { Caption } from '../db/entities/caption.ts';
import type { Queries } from '../db/index.ts';
import { CAPTION_STATUSES } from '../domain/caption.ts';
import { CAPTION_PLATFORMS } from '../domain/captionLimits.ts';
import { EngineUnavailableError, NoWorkerError } from '../errors.ts';
import { failureSchema, toFailure } from '../views/videos.ts';
import { idField, idParams } from './parse.ts';
import { HttpProblem, notFound } from './problem.ts';
import { toRefusal } from './problems.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from './route.ts';
import { line } from './uploads/videoFields.ts';
import { missingTranscript } from './videoFiles.ts';
import { whileAsked } from './wait.ts';
import { toWorkProblem } from './workFailures.ts';

const TAG = 'Captions';
const MAX_PROMPT_CHARS = 4000;
const MAX_MODEL_CHARS = 200;
/** When to ask again for a caption that is still being written. */
const ASK_AGAIN_SEC = 3;

const instant = z.iso.datetime();
const tokens = z.int().nullable();

const captionSchema = z
  .strictObject({
    id: z.uuid(),
    status: z.enum(CAPTION_STATUSES),
    caption: z
      .string()
      .nullable()
      .meta({ description: 'Keeps the limits of the platform; null until it is written' }),
    model: z.string().nullable().meta({ description: 'The one that really wrote it' }),
    usage: z
      .strictObject({ prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens })
      .nullable()
      .meta({ description: 'What it cost; null where the service does not say' }),
    video_id: z.uuid().nullable(),
    platform: z.enum(CAPTION_PLATFORMS).nullable(),
    error: failureSchema.nullable(),
    created_at: instant,
    ended_at: instant.nullable(),
  })
  .meta({
    id: 'Caption',
    description: 'The text beside a post, written by a language model; kept for thirty days',
  });

const captionBody = z
  .strictObject({
    prompt: z
      .string()
      .trim()
      .min(1)
      .max(MAX_PROMPT_CHARS)
      .optional()
      .meta({ description: 'What it is to be about, and how', example: 'Our new bakery opens on Friday' }),
    video_id: idField.optional().meta({ description: 'The video whose transcript it is written from' }),
    platform: z
      .enum(CAPTION_PLATFORMS, `must be one of ${CAPTION_PLATFORMS.join(', ')}`)
      .optional()
      .meta({ description: 'Whose limits it has to keep, counted as they are counted there' }),
    model: line(MAX_MODEL_CHARS)
      .optional()
      .meta({ description: 'In the words of the configured service; its default without it' }),
  })
  .refine(({ prompt, video_id }) => prompt !== undefined || video_id !== undefined, {
    path: ['prompt'],
    message: 'is needed, or else video_id',
  });

type CaptionBody = z.output<typeof captionBody>;
type CaptionRequest = RouteRequest<unknown, unknown, CaptionBody>;

/** Gives a caption as the API shows it; what it was asked for with stays where it is. */
function toCaptionView(row: Caption): z.output<typeof captionSchema> {
  const { usage } = row;
  return {
    id: row.id,
    status: row.status,
    caption: row.caption ?? null,
    model: row.model ?? null,
    usage: usage
      ? {
          prompt_tokens: usage.promptTokens,
          completion_tokens: usage.completionTokens,
          total_tokens: usage.totalTokens,
        }
      : null,
    video_id: row.video?.id ?? null,
    platform: row.platform ?? null,
    error: toFailure(row),
    created_at: row.createdAt.toISOString(),
    ended_at: row.endedAt?.toISOString() ?? null,
  };
}

/** @throws HttpProblem `not_found`; `no_transcript` when there is nothing to write from */
async function assertMaterial(
  { user, body }: CaptionRequest,
  { videos, transcripts }: Queries,
): Promise<void> {
  if (body.video_id === undefined) return;
  const video = await videos.find(user.id, body.video_id);
  if (!video) throw notFound();
  if (body.prompt !== undefined) return;
  const transcript = await transcripts.describeCurrent(body.video_id);
  if (!transcript) throw missingTranscript(video);
  if (transcript.isEmpty)
    throw new HttpProblem('no_transcript', 'Nothing is said in the video', { retryable: false });
}

interface Accepted {
  id: string;
  /** By this very request, and not by one before it with the same key. */
  isNew: boolean;
}

/** Makes the row; or finds the one of a request with the same key that did not live to be answered. */
async function accept(request: CaptionRequest): Promise<Accepted> {
  const { deps, user, body, idempotency } = request;
  const begun = idempotency.begunId && (await deps.db.captions.find(user.id, idempotency.begunId));
  if (begun && !begun.errorRetryable) return { id: begun.id, isNew: false };
  const id = await idempotency.accept(async (queries) => {
    await assertMaterial(request, queries);
    return queries.captions.insert({
      userId: user.id,
      videoId: body.video_id ?? null,
      prompt: body.prompt ?? null,
      platform: body.platform ?? null,
      wantedModel: body.model ?? null,
    });
  });
  return { id, isNew: true };
}

/**
 * Waits until it is written, or for as long as one waits.
 *
 * @throws NoWorkerError or EngineUnavailableError: it is not written by anybody, and nothing of it is left
 */
async function haveWritten(
  { ctx, deps, user, body }: CaptionRequest,
  { id, isNew }: Accepted,
): Promise<void> {
  const videoId = body.video_id ?? null;
  const wanted = { captionId: id, userId: user.id, videoId, requestId: ctx.state.requestId };
  try {
    await whileAsked(ctx, (signal) => deps.flows.writeCaption(wanted, { signal }));
  } catch (error) {
    const isUntold = error instanceof NoWorkerError || error instanceof EngineUnavailableError;
    if (isNew && isUntold) await deps.db.captions.withdraw(id);
    throw error;
  }
}

async function findCaption({ deps, user }: RouteRequest, id: string): Promise<Caption> {
  const row = await deps.db.captions.find(user.id, id);
  if (!row) throw notFound();
  return row;
}

/** @throws HttpProblem that says why there is no caption */
function toReply({ deps }: RouteRequest, row: Caption): Reply {
  const failure = toFailure(row);
  if (failure) throw toWorkProblem(failure);
  const answer = { body: toCaptionView(row), objectId: row.id };
  if (row.status !== 'running') return { ...answer, status: 200 };
  const Location = `${deps.config.PUBLIC_URL}/v1/captions/${row.id}`;
  return { ...answer, status: 202, headers: { Location, 'Retry-After': String(ASK_AGAIN_SEC) } };
}

const writeCaption = defineRoute({
  method: 'post',
  path: '/v1/captions',
  operationId: 'writeCaption',
  tag: TAG,
  summary: 'Have a language model write the text of a post',
  description:
    'From a prompt, from what is said in a video, or from both. A transcript that is not there yet is not waited for when there is a prompt. What is said in a video is material, never an instruction to the model.',
  scope: 'write',
  body: captionBody,
  responses: {
    200: { description: 'The caption', schema: captionSchema },
    202: {
      description:
        'Still being written after 25 seconds, or nobody can say yet whether it is: ask for it where `Location` says',
      schema: captionSchema,
      headers: { Location: 'The address of the caption', 'Retry-After': 'Seconds until then' },
    },
    404: { description: '`not_found`: the video; `no_transcript`: there is no prompt, and nothing said' },
    409: { description: '`no_caption_writer`: no language model is configured' },
    422: { description: '`invalid_request`; `caption_refused`; `captions_rejected`' },
    502: { description: '`captions_unauthorized`; `captions_no_credit`; `captions_unusable`' },
    503: { description: '`no_worker`; `engine_unavailable`; `captions_unavailable`' },
  },
  poll: async (request, id) => {
    try {
      return toReply(request, await findCaption(request, id));
    } catch (error) {
      // The same answer as to those who do not prefer to wait.
      if (error instanceof HttpProblem) return toRefusal(error, request.deps.config.PUBLIC_URL);
      throw error;
    }
  },
  handler: async (request) => {
    if (request.deps.config.OPENROUTER_API_KEY === undefined) throw new HttpProblem('no_caption_writer');
    const accepted = await accept(request);
    const row = await findCaption(request, accepted.id);
    if (row.status !== 'running') return toReply(request, row);
    await haveWritten(request, accepted);
    return toReply(request, await findCaption(request, accepted.id));
  },
});

const getCaption = defineRoute({
  method: 'get',
  path: '/v1/captions/:id',
  operationId: 'getCaption',
  tag: TAG,
  summary: 'A caption, or how it stands with it',
  scope: 'read',
  params: idParams,
  query: z.strictObject({}),
  responses: { 200: { description: 'The caption', schema: captionSchema } },
  handler: async (request) => ({
    status: 200,
    body: toCaptionView(await findCaption(request, request.params.id)),
  }),
});

export const captionRoutes: readonly Route[] = [writeCaption, getCaption];
