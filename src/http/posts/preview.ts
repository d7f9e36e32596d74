import { z } from 'zod';
import { AutopostingDisabledError, NoSlotError } from '../../db/postRefusals.ts';
import { postPreviewSchema, toPostPreviewView } from '../../views/postPreviews.ts';
import { slotLimitsOf } from '../accounts/answers.ts';
import type { HttpProblem } from '../problem.ts';
import { describeProblem, toProblem } from '../problems.ts';
import { defineRoute, type Route, type RouteRequest } from '../route.ts';
import { postBody, TAG } from './fields.ts';
import type { Judgement } from './judge.ts';
import { type Plan, planPosts, refusalOf } from './plan.ts';

const groupPreviewSchema = z.strictObject({ data: z.array(postPreviewSchema) });

type Time = { dueAt: Date | null; warnings: Judgement['warnings']; refusal: HttpProblem | null };

/** Chooses the time that the post would get now. */
async function previewTime({ deps }: RouteRequest, { account, time, platforms }: Judgement): Promise<Time> {
  const none = { dueAt: null, warnings: [], refusal: null };
  if (!time) return none;
  const limits = slotLimitsOf(deps.config);
  try {
    return {
      ...(await deps.db.postPreviews.chooseTime(account, time, { platforms, limits })),
      refusal: null,
    };
  } catch (error) {
    if (!(error instanceof AutopostingDisabledError || error instanceof NoSlotError)) throw error;
    return { ...none, refusal: toProblem(error) };
  }
}

function toShownProblem(problem: HttpProblem, publicUrl: string) {
  const { code, title, detail, errors } = describeProblem(problem, publicUrl);
  return { code, title, detail, ...(errors ? { errors } : {}) };
}

async function previewPost(request: RouteRequest, judgement: Judgement, plan: Plan) {
  const { account, targets, check } = judgement;
  const { dueAt, warnings, refusal } = await previewTime(request, judgement);
  const problem = refusalOf(judgement, plan) ?? refusal;
  return toPostPreviewView({
    accountId: account.id,
    problem: problem && toShownProblem(problem, request.deps.config.PUBLIC_URL),
    dueAt,
    timing: judgement.time?.timing ?? 'at',
    timeZone: account.timeZone,
    warnings: [...judgement.warnings, ...warnings],
    ...{ targets, check },
  });
}

const previewPosts = defineRoute({
  method: 'post',
  path: '/v1/posts/preview',
  operationId: 'previewPost',
  tag: TAG,
  summary: 'See what would become of a post',
  description: [
    'Takes what `POST /v1/posts` takes and does nothing: it says whether the post would be accepted, when it would go out, and what every',
    'platform would get and would say to it. What would refuse the post is in the answer, as `problem`; only a body that is wrong for',
    'every account, and ids of nothing, are refused. The slot of `auto` is the one that is free now; nobody keeps it.',
  ].join('\n'),
  scope: 'publish',
  // Nothing is done, so nothing can be done twice; and an answer that is kept would soon be wrong.
  idempotent: false,
  body: postBody,
  responses: {
    200: {
      description: 'What would become of it; of a group for each account, in the order of their ids',
      schema: z.union([postPreviewSchema, groupPreviewSchema]),
    },
    404: { description: '`not_found`: `errors` names what is not there' },
    409: { description: '`empty_group`: nobody would post it' },
  },
  handler: async (request) => {
    const { deps, user, body } = request;
    const plan = await planPosts(deps.db, user.id, body);
    const data = [];
    for (const judgement of plan.judgements) data.push(await previewPost(request, judgement, plan));
    return { status: 200, body: plan.isGroup ? { data } : data[0] };
  },
});

/** Seeing posts beforehand. */
export const postPreviewRoutes: readonly Route[] = [previewPosts];
