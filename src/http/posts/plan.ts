import { setImmediate } from 'node:timers/promises';
import { countUnits } from '../../captions/countLength.ts';
import type { Account } from '../../db/entities/account.ts';
import type { Video } from '../../db/entities/video.ts';
import type { Queries } from '../../db/index.ts';
import type { NewPost } from '../../db/posts.ts';
import type { PostParams } from '../../domain/postParams.ts';
import { createTextCounts } from '../../domain/textCounts.ts';
import { assertUsable } from '../editRequests.ts';
import { HttpProblem, invalidRequest } from '../problem.ts';
import { divideWish } from './divide.ts';
import type { ChangeBody, PostBody } from './fields.ts';
import { type Circumstances, type Judgement, judgePost, refusalOfFields, type Wish } from './judge.ts';

/** A post for each of the accounts that a body names, thought through. */
export interface Plan {
  judgements: Judgement[];
  /** Whether a group was named: then the answer is a list. */
  isGroup: boolean;
  /** What speaks against the video, whoever posts it. */
  videoRefusal: HttpProblem | null;
}

const toWish = (body: ChangeBody & { title: string }): Wish => ({
  title: body.title,
  description: body.description ?? null,
  platforms: body.platforms,
  params: body.params ?? {},
  scheduledAt: body.scheduled_at,
});

/**
 * Thinks a body through for the accounts that it names. That takes its time, so nobody should be kept waiting by it:
 * what has changed since is found when the posts are accepted.
 *
 * @throws HttpProblem `not_found`: one of its objects is not there; `empty_group`; `invalid_request`: too much for a group
 */
export async function planPosts(queries: Queries, userId: string, body: PostBody): Promise<Plan> {
  const [video, accounts] = [
    await queries.videos.find(userId, body.video_id),
    await findAccounts(queries, userId, body),
  ];
  if (!video || !accounts) throw missing(body, { video, accounts });
  if (accounts.length === 0) throw new HttpProblem('empty_group');
  const isGroup = body.group_id !== undefined;
  const wish = toWish(body);
  if (isGroup) assertKeepable(wish, accounts.length);
  const wishOf = isGroup ? divideWish(wish, accounts) : () => wish;
  const circumstances = { video, nowMs: Date.now(), counts: createTextCounts(countUnits) };
  return {
    isGroup,
    videoRefusal: await refusalOfVideo(queries, userId, video),
    judgements: await judgeEach(accounts, wishOf, circumstances),
  };
}

/** As much of texts and params as the posts of a group may have in all: answers, events and rows hold them once for each. */
const MAX_GROUP_CHARS = 4_000_000;

function assertKeepable({ title, description, params }: Wish, accounts: number): void {
  const chars = title.length + (description?.length ?? 0) + JSON.stringify(params).length;
  if (chars * accounts <= MAX_GROUP_CHARS) return;
  const most = Math.floor(MAX_GROUP_CHARS / accounts);
  const message = `has ${accounts} accounts: for so many, title, description and params may have ${most} characters together, and have ${chars}`;
  throw invalidRequest([{ path: 'group_id', message }]);
}

async function judgeEach(
  accounts: readonly Account[],
  wishOf: (account: Account) => Wish,
  circumstances: Circumstances,
): Promise<Judgement[]> {
  const judgements: Judgement[] = [];
  for (const account of accounts) {
    judgements.push(judgePost(account, wishOf(account), circumstances));
    // Other requests have their turn between a thousand accounts.
    await setImmediate();
  }
  return judgements;
}

/** Gives the accounts, those of a group in the order of their ids; null when there is no such account or group. */
async function findAccounts(
  { accounts, groups }: Queries,
  userId: string,
  { account_id, group_id }: PostBody,
): Promise<Account[] | null> {
  if (account_id !== undefined) {
    const account = await accounts.find(userId, account_id);
    return account && [account];
  }
  const group = group_id === undefined ? null : await groups.find(userId, group_id);
  if (!group) return null;
  const members = await accounts.list(userId, { groupId: group.id }, { limit: group.accountIds.length });
  return members.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What is not there is a 404 wherever its id stands, so that another user's looks like a missing one everywhere. */
function missing(
  { account_id }: PostBody,
  found: { video: Video | null; accounts: Account[] | null },
): HttpProblem {
  const owner = account_id === undefined ? 'group' : 'account';
  const errors = [
    ...(found.video ? [] : [{ path: 'video_id', message: 'there is no such video' }]),
    ...(found.accounts ? [] : [{ path: `${owner}_id`, message: `there is no such ${owner}` }]),
  ];
  return new HttpProblem('not_found', undefined, { errors });
}

async function refusalOfVideo(
  { edits }: Queries,
  userId: string,
  { id }: Video,
): Promise<HttpProblem | null> {
  const [parent] = await edits.findParents(userId, [id]);
  try {
    if (parent) assertUsable([parent]);
    return null;
  } catch (error) {
    if (error instanceof HttpProblem) return error;
    throw error;
  }
}

/** What refuses a new post; null when nothing does as far as is known. */
export const refusalOf = (judgement: Judgement, { videoRefusal }: Plan): HttpProblem | null =>
  refusalOfFields(judgement) ?? refusalOfAccount(judgement.account) ?? videoRefusal;

function refusalOfAccount({ isPaused, needsReauth }: Account): HttpProblem | null {
  if (isPaused) return new HttpProblem('account_paused');
  return needsReauth ? new HttpProblem('reauth_required') : null;
}

/** Gives a post that nothing speaks against as it is to be written down. */
export function toNewPost(
  { account, wish, platforms, time, warnings }: Judgement,
  userId: string,
  body: PostBody,
): NewPost {
  return {
    ...{ userId, accountId: account.id, videoId: body.video_id },
    ...{ title: wish.title, description: wish.description, platforms, warnings },
    params: wish.params as PostParams,
    time: time ?? { timing: 'now' },
    notify: body.notify ?? null,
  };
}
