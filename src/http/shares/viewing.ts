import { randomUUID } from 'node:crypto';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { HttpProblem } from '../problem.ts';
import { defineRoute, type Reply, type Route } from '../route.ts';
import { assetOf } from '../videoViews.ts';
import { byHandle, endedResponses, type OpenedShare, openShare, requireView } from './openShare.ts';
import { renderPage } from './player/page.ts';
import type { EndedPage, PlayerPage, PlayerSession, SharePage } from './sharePage.ts';
import { shareUrl, signFile } from './shareUrls.ts';

const HTML = 'text/html; charset=utf-8';

/** What people are told instead of these codes. */
const ENDED_REASONS: Readonly<Record<string, EndedPage['reason']>> = {
  not_found: 'missing',
  share_expired: 'expired',
  share_revoked: 'revoked',
  share_used_up: 'used_up',
};

function toPlayerPage({ handle, share, video }: OpenedShare, config: Config): PlayerPage {
  const url = shareUrl(config, handle);
  return {
    kind: 'player',
    url,
    title: video.title,
    description: video.description ?? null,
    isReady: video.status === 'ready',
    durationSec: video.durationSec ?? null,
    width: video.width ?? null,
    height: video.height ?? null,
    hasPoster: assetOf(video, 'thumbnail') !== undefined,
    hasStoryboard: assetOf(video, 'storyboard_index') !== undefined,
    hasCaptions: false,
    downloadUrl: share.allowDownload ? `${url}/download` : null,
  };
}

function toPageReply(page: SharePage, status: number): Reply {
  const { html, contentSecurityPolicy } = renderPage(page);
  const headers = {
    'Content-Type': HTML,
    'Content-Security-Policy': contentSecurityPolicy,
    'Cache-Control': 'private, no-store',
  };
  return { status, headers, body: html };
}

/** Tells people in words why a link does not work. @throws whatever has no words */
export function explainEnd(error: unknown, ctx: Context): Reply {
  const reason = error instanceof HttpProblem ? ENDED_REASONS[error.code] : undefined;
  if (!(error instanceof HttpProblem) || reason === undefined) throw error;
  ctx.state.problemCode = error.code;
  return toPageReply({ kind: 'ended', reason }, error.status);
}

const showPage = defineRoute({
  ...byHandle,
  path: '/s/:handle',
  operationId: 'getSharePage',
  summary: 'The page with the player',
  responses: {
    200: { description: 'The player', contentType: 'text/html' },
    404: { description: 'A page that says so: no such link', contentType: 'text/html' },
    410: { description: 'A page that says so: expired, taken back, or used up', contentType: 'text/html' },
  },
  handler: async (request) => {
    try {
      const opened = await openShare(request);
      requireView(opened.share);
      return toPageReply(toPlayerPage(opened, request.deps.config), 200);
    } catch (error) {
      return explainEnd(error, request.ctx);
    }
  },
});

const sessionView = z
  .strictObject({
    session: z.uuid(),
    url: z.url().meta({ description: 'Of the bytes; ask for the next one before `expires_at`' }),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: 'ShareSession' });

const openSession = defineRoute({
  ...byHandle,
  path: '/s/:handle/session',
  operationId: 'getShareSession',
  summary: 'Begin or go on with watching: a signed address of the bytes, good for ten minutes',
  description: [
    'Without `session` a new one begins. It becomes a view with its first bytes, and is good for two days from then on;',
    'after that it counts as a new one.',
  ].join('\n'),
  query: z.strictObject({ session: z.uuid().optional() }),
  responses: {
    200: { description: 'The session', schema: sessionView },
    ...endedResponses,
    410: {
      description: '`share_expired`, `share_revoked`; `share_used_up` for a session that was never counted',
    },
  },
  handler: async (request) => {
    const given = request.query.session ?? null;
    const { handle, share } = await openShare(request, given);
    const isOwn = share.session !== 'foreign';
    requireView({ ...share, session: isOwn ? share.session : 'new' });
    const sessionId = given !== null && isOwn ? given : randomUUID();
    const { url, expiresAt } = signFile(request.deps.config, 'stream', {
      handle,
      shareId: share.id,
      sessionId,
    });
    const body: PlayerSession = { session: sessionId, url, expires_at: expiresAt.toISOString() };
    return { status: 200, body };
  },
});

/** What brings the player before people. */
export const viewingRoutes: readonly Route[] = [showPage, openSession];
