import { countUnits } from '../../captions/countLength.ts';
import type { Post } from '../../db/entities/post.ts';
import type { Queries } from '../../db/index.ts';
import type { PostChanges } from '../../db/posts.ts';
import type { PostParams } from '../../domain/postParams.ts';
import { createTextCounts } from '../../domain/textCounts.ts';
import { postSchema, targetsOf, toPostView } from '../../views/posts.ts';
import { slotLimitsOf } from '../accounts/answers.ts';
import { idParams } from '../parse.ts';
import { notFound } from '../problem.ts';
import { defineRoute, type Route, type RouteRequest } from '../route.ts';
import { type ChangeBody, changeBody, TAG } from './fields.ts';
import { type Judgement, judgePost, refusalOfFields, type Wish } from './judge.ts';

type ChangeRequest = RouteRequest<{ id: string }, unknown, ChangeBody>;

/** What a post says once it is changed. */
const toChangedWish = (post: Post, body: ChangeBody): Wish => ({
  title: body.title ?? post.title,
  description: body.description === undefined ? (post.description ?? null) : body.description,
  platforms: body.platforms ?? targetsOf(post).map(({ platform }) => platform),
  params: body.params ?? post.params,
  scheduledAt: body.scheduled_at,
  // Its account may have no more what it was accepted for, and its params no more whom they were for.
  kept: (['platforms', 'params'] as const).filter((field) => body[field] === undefined),
});

/** Gives only what was given, and the warnings that the whole post has now. */
const toChanges = ({ wish, time, warnings }: Judgement, body: ChangeBody): PostChanges => ({
  ...(body.title === undefined ? {} : { title: wish.title }),
  ...(body.description === undefined ? {} : { description: wish.description }),
  ...(body.params === undefined ? {} : { params: wish.params as PostParams }),
  ...(body.platforms === undefined ? {} : { platforms: body.platforms }),
  ...(body.scheduled_at === undefined || !time ? {} : { time }),
  warnings,
});

/** @throws HttpProblem that says why the post stays as it is */
async function change({ deps, user, params, body }: ChangeRequest, queries: Queries): Promise<Post | null> {
  // Held, so that what is checked is what is changed; and before anything is said of changes that nobody can make any more.
  const held = await queries.posts.hold(user.id, params.id);
  if (!held) return null;
  const { post, account } = held;
  const video = await queries.videos.find(user.id, post.videoId);
  const wish = toChangedWish(post, body);
  const judgement = judgePost(account, wish, {
    video,
    nowMs: Date.now(),
    counts: createTextCounts(countUnits),
  });
  const refusal = refusalOfFields(judgement);
  if (refusal) throw refusal;
  return queries.posts.change(user.id, post.id, toChanges(judgement, body), slotLimitsOf(deps.config));
}

const changePost = defineRoute({
  method: 'patch',
  path: '/v1/posts/:id',
  operationId: 'changePost',
  tag: TAG,
  summary: 'Change what a post says, where it goes, or when',
  description: [
    'As long as nothing of it is about to leave. What is left out stays; `params` and `platforms` are replaced as a whole. The whole post is checked',
    'anew. `scheduled_at`: a time as for a new post, `"auto"` for a new slot, which may be its present one, null for at once.',
  ].join('\n'),
  scope: 'publish',
  params: idParams,
  body: changeBody,
  responses: {
    200: { description: 'The post as it is now', schema: postSchema },
    409: {
      description:
        '`too_late`: something of it is being sent or was sent, or it is over; `autoposting_disabled`; `no_slot`',
    },
    422: { description: '`invalid_request`; `preflight_failed`: `errors` says what which platform refuses' },
  },
  handler: async (request) => {
    const post = await request.deps.db.transaction((queries) => change(request, queries));
    if (!post) throw notFound();
    return { status: 200, body: toPostView(post) };
  },
});

/** Changing posts. */
export const postChangeRoutes: readonly Route[] = [changePost];
