import { z } from 'zod';
import type { Post } from '../../db/entities/post.ts';
import type { Queries } from '../../db/index.ts';
import { PlatformsMissingError } from '../../db/postRefusals.ts';
import { postSchema, toPostView } from '../../views/posts.ts';
import { slotLimitsOf } from '../accounts/answers.ts';
import { HttpProblem, invalidRequest } from '../problem.ts';
import { describeProblem, PROBLEM_SCHEMA, toProblem } from '../problems.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from '../route.ts';
import { type PostBody, postBody, TAG } from './fields.ts';
import { type Plan, planPosts, refusalOf, toNewPost } from './plan.ts';

type PostRequest = RouteRequest<unknown, unknown, PostBody>;

const refusedSchema = z
  .strictObject({
    account_id: z.uuid(),
    error: PROBLEM_SCHEMA.omit({ request_id: true }).meta({ id: 'PostProblem' }),
  })
  .meta({ id: 'RefusedPost', description: 'An account of a group that takes the post not, and why' });

const groupPostsSchema = z.strictObject({ data: z.array(postSchema) });
const someRefusedSchema = z.strictObject({ data: z.array(postSchema), refused: z.array(refusedSchema) });

/** Which account took its post, and which did not. */
interface Outcome {
  accountId: string;
  post: Post | null;
  refusal: HttpProblem | null;
}

/** What the database refuses, in the words of the API. */
function toRefusedPost(error: unknown): HttpProblem {
  if (!(error instanceof PlatformsMissingError)) return toProblem(error);
  return invalidRequest([{ path: 'platforms', message: error.message }]);
}

/** @throws HttpProblem that says why the account takes no such post */
async function acceptOne({ deps, user, body }: PostRequest, { posts }: Queries, plan: Plan): Promise<Post> {
  const [judgement] = plan.judgements;
  if (!judgement) throw new Error('A post of one account needs one');
  const refusal = refusalOf(judgement, plan);
  if (refusal) throw refusal;
  try {
    return await posts.accept(toNewPost(judgement, user.id, body), slotLimitsOf(deps.config));
  } catch (error) {
    throw toRefusedPost(error);
  }
}

/** Accepts a post for every account of a group that nothing speaks against, in the order of their ids. */
async function acceptEach(
  { deps, user, body }: PostRequest,
  { posts }: Queries,
  plan: Plan,
): Promise<Outcome[]> {
  const judged = plan.judgements.map((judgement) => ({ judgement, refusal: refusalOf(judgement, plan) }));
  const wanted = judged
    .filter(({ refusal }) => refusal === null)
    .map(({ judgement }) => toNewPost(judgement, user.id, body));
  const accepted = await posts.acceptAll(wanted, slotLimitsOf(deps.config));
  const acceptances = new Map(accepted.map((acceptance) => [acceptance.accountId, acceptance]));
  return judged.map(({ judgement: { account }, refusal }) => {
    const acceptance = acceptances.get(account.id);
    const late = acceptance && 'refusal' in acceptance ? toRefusedPost(acceptance.refusal) : null;
    const post = acceptance && 'post' in acceptance ? acceptance.post : null;
    return { accountId: account.id, post, refusal: refusal ?? late };
  });
}

function toGroupReply({ deps }: PostRequest, outcomes: readonly Outcome[]): Reply {
  const data = outcomes.flatMap(({ post }) => (post ? [toPostView(post)] : []));
  const refused = outcomes.flatMap(({ accountId, refusal }) =>
    refusal ? [{ account_id: accountId, error: describeProblem(refusal, deps.config.PUBLIC_URL) }] : [],
  );
  return refused.length === 0 ? { status: 202, body: { data } } : { status: 207, body: { data, refused } };
}

const toOneReply = ({ deps }: PostRequest, post: Post): Reply => ({
  status: 202,
  headers: { Location: `${deps.config.PUBLIC_URL}/v1/posts/${post.id}` },
  body: toPostView(post),
  objectId: post.id,
});

/** Enough to see why; the preview says it of every account. */
const MAX_REFUSED = 100;

/** Gives the refusal of the first account of a group that refuses as a whole, with what each of them says. */
function toGroupRefusal(first: HttpProblem, outcomes: readonly Outcome[]): HttpProblem {
  const ofAccounts = outcomes.flatMap(({ accountId, refusal }) =>
    refusal ? [{ path: `accounts.${accountId}`, message: tellRefusal(refusal) }] : [],
  );
  const errors = [...(first.errors ?? []), ...ofAccounts.slice(0, MAX_REFUSED)];
  return new HttpProblem(first.code, first.message, {
    errors,
    headers: first.headers,
    // One that changes its mind is enough for another answer.
    retryable: outcomes.some(({ refusal }) => refusal?.retryable),
    cause: first,
  });
}

/** The fields are named, and what is wrong with them is said once, for the first. */
function tellRefusal({ message, errors = [] }: HttpProblem): string {
  return errors.length === 0 ? message : `${message}: ${errors.map(({ path }) => path).join(', ')}`;
}

async function acceptPosts(request: PostRequest, queries: Queries, plan: Plan): Promise<Reply> {
  if (!plan.isGroup) return toOneReply(request, await acceptOne(request, queries, plan));
  const outcomes = await acceptEach(request, queries, plan);
  const [first] = outcomes;
  if (first?.refusal && outcomes.every(({ post }) => post === null))
    throw toGroupRefusal(first.refusal, outcomes);
  return toGroupReply(request, outcomes);
}

const createPost = defineRoute({
  method: 'post',
  path: '/v1/posts',
  operationId: 'createPost',
  tag: TAG,
  summary:
    'Post a video by an account, or by each account of a group: now, at a time, or in the next free slot',
  description: [
    'A video that is still being processed is waited for. What a platform certainly refuses is refused here (`preflight_failed`), what it may',
    'refuse is a warning of the post; `POST /v1/posts/preview` says all of it beforehand. Posts of accounts with `is_ai` are marked as such',
    'where a platform has a mark (TikTok `is_aigc`, YouTube `containsSyntheticMedia`), unless `params` says otherwise.',
    '',
    'Each account of a group gets a post of its own, to those of the `platforms` that it has, with those of the `params` that are for it; a time without an offset is one of each',
    "account's own zone. When only some of them take it, the answer is 207 and says which do not, and why; when none does, it is the",
    'refusal of the first, and `errors` says at `accounts.<id>` how each of them refuses, of 100 at most.',
  ].join('\n'),
  scope: 'publish',
  body: postBody,
  responses: {
    202: {
      description: 'Accepted; of a group all its posts, in the order of the ids of the accounts',
      schema: z.union([postSchema, groupPostsSchema]),
      headers: { Location: 'The address of the post; none for those of a group' },
    },
    207: { description: 'Some accounts of the group refuse it', schema: someRefusedSchema },
    404: { description: '`not_found`: `errors` names what is not there' },
    409: {
      description:
        '`account_paused`; `reauth_required`; `autoposting_disabled`; `no_slot`; `empty_group`; `video_not_usable`: it has failed, was cancelled, or has no bytes yet',
    },
    422: {
      description:
        '`invalid_request`: also a time that is over or more than 365 days ahead, params that there are not, and more text than a group of so many may have; `preflight_failed`: `errors` says what which platform refuses',
    },
  },
  handler: async (request) => {
    const { deps, user, body, idempotency } = request;
    const plan = await planPosts(deps.db, user.id, body);
    return idempotency.commit((queries) => acceptPosts(request, queries, plan));
  },
});

/** Making posts. */
export const postCreationRoutes: readonly Route[] = [createPost];
