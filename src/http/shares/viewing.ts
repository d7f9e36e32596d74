import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import type { Video } from '../../db/entities/video.ts';
import { assetOf } from '../../views/videos.ts';
import { HttpProblem } from '../problem.ts';
import { defineRoute, type Reply, type Route, type RouteDeps } from '../route.ts';
import { isGivenUp, missing } from '../videoFiles.ts';
import { byHandle, endedResponses, type OpenedShare, openShare, requireView } from './openShare.ts';
import { renderPage } from './player/page.ts';
import type { EndedPage, PlayerPage, PlayerSession, SharePage } from './sharePage.ts';
import { basePathOf, shareUrl, signFile } from './shareUrls.ts';

const HTML = 'text/html; charset=utf-8';

/** What people are told instead of these codes. */
const ENDED_REASONS: Readonly<Record<string, EndedPage['reason']>> = {
  not_found: 'missing',
  share_expired: 'expired',
  share_revoked: 'revoked',
  share_used_up: 'used_up',
  download_not_allowed: 'no_download',
  rate_limited: 'too_many',
};

function stateOf(video: Video): PlayerPage['state'] {
  if (video.status === 'ready') return 'ready';
  return isGivenUp(video) ? 'unavailable' : 'preparing';
}

/** A video in which nobody speaks has a transcript, and nothing to be shown of it. */
async function findCaptions({ id }: Video, { db }: RouteDeps): Promise<PlayerPage['captions']> {
  const transcript = await db.transcripts.describeCurrent(id);
  return transcript && !transcript.isEmpty ? { language: transcript.language } : null;
}

function toPlayerPage(
  { handle, share, video }: OpenedShare,
  captions: PlayerPage['captions'],
  config: Config,
): PlayerPage {
  const url = shareUrl(config, handle);
  return {
    kind: 'player',
    url,
    title: video.title,
    description: video.description ?? null,
    state: stateOf(video),
    durationSec: video.durationSec ?? null,
    width: video.width ?? null,
    height: video.height ?? null,
    hasPoster: assetOf(video, 'thumbnail') !== undefined,
    hasStoryboard: assetOf(video, 'storyboard_index') !== undefined,
    captions,
    downloadUrl: share.allowDownload && video.sourceKey ? `${url}/download` : null,
  };
}

function toPageReply(page: SharePage, status: number, config: Config): Reply {
  const { html, contentSecurityPolicy } = renderPage(page, basePathOf(config));
  const headers = {
    'Content-Type': HTML,
    'Content-Security-Policy': contentSecurityPolicy,
    'Cache-Control': 'private, no-store',
  };
  return { status, headers, body: html };
}

/** Tells people in words why a link does not work. @throws whatever has no words */
export const explainEnd: NonNullable<Route['explain']> = (error, { ctx, deps }) => {
  const reason = error instanceof HttpProblem ? ENDED_REASONS[error.code] : undefined;
  if (!(error instanceof HttpProblem) || reason === undefined) throw error;
  ctx.state.problemCode = error.code;
  const { headers, ...page } = toPageReply({ kind: 'ended', reason }, error.status, deps.config);
  return { ...page, headers: { ...error.headers, ...headers } };
};

/** The same at an address that programs ask, too: browsers say that they want a page. */
export const explainEndToBrowsers: NonNullable<Route['explain']> = (error, request) => {
  if (request.ctx.accepts('json', 'html') !== 'html') throw error;
  return explainEnd(error, request);
};

const showPage = defineRoute({
  ...byHandle,
  path: '/s/:handle',
  operationId: 'getSharePage',
  summary: 'The page with the player',
  responses: {
    200: { description: 'The player', contentType: 'text/html' },
    404: { description: 'A page that says so: no such link', contentType: 'text/html' },
    410: { description: 'A page that says so: expired, taken back, or used up', contentType: 'text/html' },
    429: { description: 'A page that says so: asked for too often', contentType: 'text/html' },
  },
  explain: explainEnd,
  handler: async (request) => {
    const opened = await openShare(request);
    const { config } = request.deps;
    requireView(opened.share);
    const captions = await findCaptions(opened.video, request.deps);
    return toPageReply(toPlayerPage(opened, captions, config), 200, config);
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
    409: {
      description:
        '`not_ready`: there is nothing to play yet; without `retryable`, nor will there be unless its owner does something',
    },
    410: {
      description: '`share_expired`, `share_revoked`; `share_used_up` for a session that was never counted',
    },
  },
  handler: async (request) => {
    const given = request.query.session ?? null;
    const { handle, share, video } = await openShare(request, given);
    if (video.status !== 'ready') throw missing('not_ready', video);
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
