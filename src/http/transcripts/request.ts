import { z } from 'zod';
import type { TranscriptRequest } from '../../db/transcriptRequests.ts';
import type { TranscriptOptions } from '../../domain/transcript.ts';
import { isFinalStep } from '../../domain/video.ts';
import { idParams } from '../parse.ts';
import { HttpProblem, notFound } from '../problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { acceptedVideo, answerIntent } from '../videoIntents.ts';
import { findVideo, toVideoReply } from '../videos.ts';

const NO_LANGUAGE = 'must be a code of ISO 639-1, such as en';

/** Transcribers want codes of ISO 639-1: `deu` is `de`, and what has none of two letters stays as it is. */
function shortenCode(code: string): string {
  return /^[a-z]{2,3}$/i.test(code) ? (Intl.getCanonicalLocales(code)[0] ?? code) : code;
}

const requestBody = z.strictObject({
  language: z
    .string()
    .regex(/^[a-zA-Z]{2,3}$/, NO_LANGUAGE)
    .overwrite(shortenCode)
    .refine((code) => code.length === 2, NO_LANGUAGE)
    .optional()
    .meta({ description: 'What is spoken; found out where it is left out', example: 'en' }),
  model: z
    .string()
    .regex(/^[\w.:/@-]{1,100}$/, 'must be the name of a model')
    .optional()
    .meta({ description: 'The configured one where it is left out', example: 'whisper-1' }),
  prompt: z
    .string()
    .trim()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'Names and words that occur; some models take none' }),
});

/** Gives what was said, without what was not. */
const toOptions = ({ language, model, prompt }: z.output<typeof requestBody>): TranscriptOptions => ({
  ...(language === undefined ? {} : { language }),
  ...(model === undefined ? {} : { model }),
  ...(prompt === undefined ? {} : { prompt }),
});

type Refusal = Exclude<TranscriptRequest['outcome'], 'accepted' | 'not_found'>;

const REFUSALS: Record<Refusal, () => HttpProblem> = {
  in_progress: () =>
    new HttpProblem('not_possible', 'The transcript is being made already', { retryable: true }),
  not_ready: () => new HttpProblem('not_ready', 'The video is still being processed'),
  not_usable: () => new HttpProblem('video_not_usable'),
  no_audio: () => new HttpProblem('no_audio'),
};

/** For `Prefer: wait`: the answer once the transcript is there, or will not come. */
async function pollTranscript(request: RouteRequest, id: string): Promise<Reply | null> {
  const video = await findVideo(request, id);
  const step = [...video.steps].find(({ name }) => name === 'transcript');
  return toVideoReply(request, video, !step || isFinalStep(step.state) ? 200 : 202);
}

const requestTranscript = defineRoute({
  method: 'post',
  path: '/v1/videos/:id/transcript',
  operationId: 'requestTranscript',
  tag: 'Videos',
  summary: 'Have a transcript made, or made again',
  description:
    'It becomes a new version; `transcript_status` of the video says how far it is. Words that a person has edited stay ' +
    'the current ones. What was transcribed before with the same options is not sent again. Whether a transcriber is ' +
    'configured is asked of the configuration of the API, which the workers have to share.',
  scope: 'write',
  params: idParams,
  body: requestBody,
  responses: {
    ...acceptedVideo,
    409: {
      description:
        '`no_transcriber`; `no_audio`; `not_ready` while the video is still processed; `video_not_usable` for one that ' +
        'has failed or has no bytes; `not_possible` while the transcript is being made already',
    },
  },
  poll: pollTranscript,
  handler: (request) => {
    const { deps, user, params, body } = request;
    return answerIntent(request, {
      id: params.id,
      decide: async ({ transcriptRequests }) => {
        const answer = await transcriptRequests.request(user.id, params.id, toOptions(body));
        if (answer.outcome === 'not_found') throw notFound();
        if (deps.config.OPENAI_API_KEY === undefined) throw new HttpProblem('no_transcriber');
        if (answer.outcome !== 'accepted') throw REFUSALS[answer.outcome]();
        return answer;
      },
      refusal: 'not_possible',
      tell: ([run = 1]) =>
        deps.flows.startProcessing({
          videoId: params.id,
          userId: user.id,
          run,
          requestId: request.ctx.state.requestId,
        }),
    });
  },
});

/** Asking for the words of a video. */
export const transcriptRequestRoutes: readonly Route[] = [requestTranscript];
