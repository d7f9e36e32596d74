import type { Context } from 'koa';
import { z } from 'zod';
import type { Video } from '../../db/entities/video.ts';
import type { FoundShare, ShareState } from '../../db/shares.ts';
import { hashHandle, isHandleShaped } from '../../secrets/shareHandle.ts';
import { HttpProblem, notFound } from '../problem.ts';
import type { ProblemCode } from '../problemCodes.ts';
import type { Route, RouteRequest } from '../route.ts';

/** Any text: a link that was cut short must be counted, and told to people, like one that was never made. */
export const handleParams = z.strictObject({ handle: z.string() });
export type HandleParams = z.output<typeof handleParams>;

/** Whoever has the handle has the right; what all addresses below `/s/` have in common. */
export const byHandle = {
  method: 'get',
  tag: 'Watching a share',
  scope: null,
  countsItself: true,
  params: handleParams,
} as const;

/** How an ended or unknown share is refused; the page says it in words. */
export const endedResponses = {
  404: { description: '`not_found`: no such link, or its video is gone' },
  410: { description: '`share_expired`, `share_revoked`' },
};

const ENDED: Readonly<Record<Exclude<ShareState, 'live'>, ProblemCode>> = {
  expired: 'share_expired',
  revoked: 'share_revoked',
};

/** The share of a request's address, and its video, both as they are now. */
export interface OpenedShare {
  handle: string;
  share: FoundShare;
  video: Video;
}

/**
 * Finds what the handle in the address stands for, and counts the request for it; what stands for nothing counts for
 * the sender, so that nobody tries many.
 *
 * @throws HttpProblem `not_found`, `share_expired`, `share_revoked`, `rate_limited`
 */
export async function openShare(
  { ctx, deps, params }: RouteRequest<HandleParams>,
  sessionId: string | null = null,
): Promise<OpenedShare> {
  // A copy of a link that somebody puts on a page must not get the video into a search engine.
  ctx.set('X-Robots-Tag', 'noindex, nofollow');
  const { handle } = params;
  const share = isExact(ctx, handle) ? await deps.db.shares.find(hashHandle(handle), sessionId) : null;
  if (!share) {
    await deps.limits.countRequest(ctx, null);
    throw notFound();
  }
  await deps.limits.countShare(ctx, share.id);
  if (share.state !== 'live') throw new HttpProblem(ENDED[share.state]);
  const video = await deps.db.videos.find(share.userId, share.videoId);
  if (!video) throw notFound();
  return { handle, share, video };
}

/**
 * Whether the address is spelled as we give it out. The router takes other cases, escapes and a slash at the end, too: two
 * addresses of the same bytes under one signature.
 */
function isExact(ctx: Context, handle: string): boolean {
  const { path } = ctx.state.route as Route;
  return isHandleShaped(handle) && ctx.path === path.replace(':handle', handle);
}

/**
 * Makes the session a view, if it is none yet, just before its first bytes.
 *
 * @throws HttpProblem with the code for a share that has ended meanwhile, or has no view left
 */
export async function admitSession(
  { deps }: RouteRequest,
  share: FoundShare,
  sessionId: string,
): Promise<void> {
  if (share.session === 'counted') return;
  const admission = await deps.db.shares.countSession(share.id, sessionId);
  if (admission !== 'counted') throw refuse(admission);
}

/** @throws HttpProblem for a session that would get no bytes */
export function requireView({ session, isUsedUp }: FoundShare): void {
  if (session === 'foreign') throw refuse('foreign');
  if (session === 'new' && isUsedUp) throw refuse('used_up');
}

const REFUSALS = {
  ...ENDED,
  used_up: 'share_used_up',
  gone: 'not_found',
  // A session of another share: its number says nothing here.
  foreign: 'invalid_signature',
} as const satisfies Record<string, ProblemCode>;

const refuse = (why: keyof typeof REFUSALS): HttpProblem => new HttpProblem(REFUSALS[why]);
