import { z } from 'zod';
import type { Queries } from '../db/index.ts';
import type { Intent } from '../db/videos.ts';
import { isFinalStep, STEP_NAMES, type StepName } from '../domain/video.ts';
import { toVideoView, videoSchema } from '../views/videos.ts';
import { idField, idParams } from './parse.ts';
import { HttpProblem, notFound } from './problem.ts';
import type { ProblemCode } from './problemCodes.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from './route.ts';
import { findVideo, toVideoReply } from './videos.ts';

const TAG = 'Videos';

/** For `Prefer: wait` after a cancel or a retry: the answer once no step is at work any more. */
async function pollSteps(request: RouteRequest, id: string): Promise<Reply | null> {
  const video = await findVideo(request, id);
  const isOver = [...video.steps].every((step) => isFinalStep(step.state));
  return toVideoReply(request, video, isOver ? 200 : 202);
}

/** What a wish about the work on a video is answered. */
export const acceptedVideo = {
  200: { description: 'The end of it, with `Prefer: wait`', schema: videoSchema },
  202: {
    description: 'Accepted',
    schema: videoSchema,
    headers: { Location: 'The address of the video' },
  },
};
const nothingToRetry = {
  409: { description: '`not_retryable`: nothing has failed or was cancelled, or it is still being stopped' },
};

interface IntentOptions {
  id: string;
  /** Writes the wish, if the state of the video allows it; or refuses it by itself. */
  decide: (queries: Queries) => Promise<Intent>;
  refusal: ProblemCode;
  tell: (runs: number[]) => Promise<void>;
}

/** Decides an intent in the database, together with the answer that is kept, and tells the engine. */
export async function answerIntent(
  request: RouteRequest,
  { id, decide, refusal, tell }: IntentOptions,
): Promise<Reply> {
  const { deps, user, idempotency } = request;
  let runs: number[] = [];
  const answer = await idempotency.commit(async (queries) => {
    const intent = await decide(queries);
    if (intent.outcome === 'not_possible') throw new HttpProblem(refusal);
    const video = intent.outcome === 'accepted' ? await queries.videos.find(user.id, id) : null;
    if (intent.outcome !== 'accepted' || !video) throw notFound();
    runs = intent.runs;
    const headers = { Location: `${deps.config.PUBLIC_URL}/v1/videos/${id}` };
    return {
      ...toVideoReply(request, video, 202),
      headers,
      storedBody: toVideoView(video, null),
      objectId: id,
    };
  });
  // Not waited for: it is decided already, and the reconciler tells an engine that is away.
  void tell(runs);
  return answer;
}

function retry(request: RouteRequest, id: string, step?: StepName): Promise<Reply> {
  const { deps, user } = request;
  return answerIntent(request, {
    id,
    decide: ({ videos }) => videos.requestRetry(user.id, id, step),
    refusal: 'not_retryable',
    tell: ([run = 1]) =>
      deps.flows.startProcessing({
        videoId: id,
        userId: user.id,
        run,
        requestId: request.ctx.state.requestId,
      }),
  });
}

const retryVideo = defineRoute({
  method: 'post',
  path: '/v1/videos/:id/retry',
  operationId: 'retryVideo',
  tag: TAG,
  summary: 'Do again what failed or was cancelled, keeping what is done',
  scope: 'write',
  params: idParams,
  responses: { ...acceptedVideo, ...nothingToRetry },
  poll: pollSteps,
  handler: (request) => retry(request, request.params.id),
});

const retryStep = defineRoute({
  method: 'post',
  path: '/v1/videos/:id/steps/:name/retry',
  operationId: 'retryStep',
  tag: TAG,
  summary: 'Do one step again',
  scope: 'write',
  params: z.strictObject({ id: idField, name: z.enum(STEP_NAMES) }),
  responses: { ...acceptedVideo, ...nothingToRetry },
  poll: pollSteps,
  handler: (request) => retry(request, request.params.id, request.params.name),
});

const cancelVideo = defineRoute({
  method: 'post',
  path: '/v1/videos/:id/cancel',
  operationId: 'cancelVideo',
  tag: TAG,
  summary: 'Stop the work on a video, keeping what is done',
  scope: 'write',
  params: idParams,
  responses: { ...acceptedVideo, 409: { description: '`not_cancellable`: nothing waits or runs' } },
  poll: pollSteps,
  handler: (request) => {
    const { deps, user, params } = request;
    return answerIntent(request, {
      id: params.id,
      decide: ({ videos }) => videos.requestCancel(user.id, params.id),
      refusal: 'not_cancellable',
      tell: (runs) => deps.flows.cancelProcessing(params.id, runs),
    });
  },
});

/** Wishes about the work on a video: decided in the database at once, with or without a worker. */
export const videoIntentRoutes: readonly Route[] = [retryStep, retryVideo, cancelVideo];
