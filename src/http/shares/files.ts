import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Video } from '../../db/entities/video.ts';
import type { FoundShare } from '../../db/shares.ts';
import { type Representation, sendBytes } from '../bytes/sendBytes.ts';
import { signatureFields } from '../bytes/signedUrls.ts';
import { HttpProblem } from '../problem.ts';
import { defineRoute, type Route, type RouteRequest } from '../route.ts';
import { representTranscript } from '../transcripts/transcriptViews.ts';
import {
  bytesResponses,
  missingTranscript,
  representPlayable,
  representSheet,
  representSheetIndex,
  representThumbnail,
  representUpload,
} from '../videoFiles.ts';
import {
  admitSession,
  byHandle,
  endedResponses,
  type HandleParams,
  type OpenedShare,
  openShare,
  requireView,
} from './openShare.ts';
import { isSigned, type SignedFile, signFile } from './shareUrls.ts';
import { explainEndToBrowsers } from './viewing.ts';

const signedQuery = z.strictObject({ session: z.uuid().optional(), ...signatureFields });
type SignedRequest = RouteRequest<HandleParams, z.output<typeof signedQuery>>;

/**
 * Sends bytes that are cut off when the share ends; `count` runs before the first of them.
 *
 * @throws HttpProblem `rate_limited` when too many are being sent, and as `sendBytes`
 */
async function sendShared(
  { ctx, deps }: RouteRequest<HandleParams>,
  share: FoundShare,
  { file, count }: { file: Representation; count?: () => Promise<void> },
): Promise<undefined> {
  // A proxy that reads ahead would go on giving out what was cut off here.
  ctx.set('X-Accel-Buffering', 'no');
  // Before the file is opened: too many must not hold too many.
  if (ctx.method === 'GET') deps.openStreams.watch(share.id, ctx);
  return sendBytes(ctx, file, count ? { beforeBytes: count } : {});
}

/** @throws HttpProblem `invalid_signature`, `share_used_up`, and what `openShare` throws */
async function openSigned(request: SignedRequest): Promise<OpenedShare & { sessionId: string }> {
  const { ctx, deps, query } = request;
  const { session: sessionId, expires, key, sig } = query;
  const opened = await openShare(request, sessionId ?? null);
  const isComplete =
    sessionId !== undefined && expires !== undefined && key !== undefined && sig !== undefined;
  if (
    !isComplete ||
    !isSigned(deps.config, ctx.path, { shareId: opened.share.id, sessionId, expires, key, sig })
  ) {
    throw new HttpProblem('invalid_signature');
  }
  requireView(opened.share);
  return { ...opened, sessionId };
}

interface SignedFileFacts {
  name: SignedFile;
  operationId: string;
  summary: string;
  contentType: string | string[];
  refusals: Route['responses'];
  explain?: Route['explain'];
  find: (video: Video, request: SignedRequest, share: FoundShare) => Promise<Representation>;
}

/** The bytes that make a session a view. */
const signedFileRoute = ({
  name,
  operationId,
  summary,
  contentType,
  refusals,
  explain,
  find,
}: SignedFileFacts): Route =>
  defineRoute({
    ...byHandle,
    path: `/s/:handle/${name}`,
    operationId,
    summary,
    query: signedQuery,
    responses: {
      ...bytesResponses(contentType),
      ...endedResponses,
      410: { description: '`share_expired`, `share_revoked`, `share_used_up`' },
      ...refusals,
    },
    ...(explain ? { explain } : {}),
    handler: async (request) => {
      const { share, video, sessionId } = await openSigned(request);
      const file = await find(video, request, share);
      return sendShared(request, share, { file, count: () => admitSession(request, share, sessionId) });
    },
  });

interface PlainFileFacts {
  name: string;
  operationId: string;
  summary: string;
  contentType: string;
  missing: string;
  find: (video: Video, request: RouteRequest<HandleParams>) => Promise<Representation>;
}

/** What the page shows around the video; no view is counted for it. */
const plainFileRoute = ({ name, operationId, summary, contentType, missing, find }: PlainFileFacts): Route =>
  defineRoute({
    ...byHandle,
    path: `/s/:handle/${name}`,
    operationId,
    summary,
    responses: {
      ...bytesResponses(contentType),
      ...endedResponses,
      404: { description: `\`${missing}\`: it has none; \`not_found\`` },
    },
    handler: async (request) => {
      const { share, video } = await openShare(request);
      return sendShared(request, share, { file: await find(video, request) });
    },
  });

/** @throws HttpProblem `download_not_allowed` */
function requireDownload({ allowDownload }: FoundShare): void {
  if (!allowDownload) throw new HttpProblem('download_not_allowed');
}

const toDownload = defineRoute({
  ...byHandle,
  path: '/s/:handle/download',
  operationId: 'downloadShare',
  summary: 'Begin to download: leads to a signed address, where a download that breaks off can go on',
  description: 'Also a link that is sent to people: browsers are refused with a page.',
  responses: {
    303: { description: 'Where the file is', headers: { Location: 'Signed, good for an hour' } },
    403: { description: '`download_not_allowed`' },
    ...endedResponses,
    410: { description: '`share_expired`, `share_revoked`, `share_used_up`' },
  },
  explain: explainEndToBrowsers,
  handler: async (request) => {
    const { handle, share } = await openShare(request);
    requireDownload(share);
    requireView(share);
    const sessionId = randomUUID();
    const { url } = signFile(request.deps.config, 'file', { handle, shareId: share.id, sessionId });
    return { status: 303, headers: { Location: url } };
  },
});

/**
 * What a player loads, and what people may keep. The name of the uploaded file may say more than its owner wants to tell those
 * who watch: what is shown is called by the title.
 */
export const sharedFileRoutes: readonly Route[] = [
  signedFileRoute({
    name: 'stream',
    operationId: 'streamShare',
    summary: 'The video to be played, by an address of a session',
    contentType: 'video/*',
    refusals: { 403: { description: '`invalid_signature`' }, 409: { description: '`not_ready`' } },
    find: (video, request) => representPlayable(video, request, video.title),
  }),
  toDownload,
  signedFileRoute({
    name: 'file',
    operationId: 'getShareFile',
    summary: 'The uploaded bytes, by the address that a download leads to',
    contentType: ['video/*', 'application/octet-stream'],
    refusals: {
      403: { description: '`invalid_signature`, `download_not_allowed`' },
      409: { description: '`not_ready`: it has no bytes yet' },
    },
    explain: explainEndToBrowsers,
    find: async (video, request, share) => {
      requireDownload(share);
      return representUpload(video, request);
    },
  }),
  plainFileRoute({
    name: 'poster.jpg',
    operationId: 'getSharePoster',
    summary: 'The picture before the first frame',
    contentType: 'image/jpeg',
    missing: 'no_thumbnail',
    find: (video, request) => representThumbnail(video, request, video.title),
  }),
  plainFileRoute({
    name: 'captions.vtt',
    operationId: 'getShareCaptions',
    summary: 'The captions',
    contentType: 'text/vtt',
    missing: 'no_transcript',
    find: async (video, { deps }) => {
      const wanted = { videoId: video.id, format: 'vtt', base: video.title } as const;
      const file = await representTranscript(deps, wanted);
      if (!file) throw missingTranscript(video);
      return file;
    },
  }),
  plainFileRoute({
    name: 'storyboard.jpg',
    operationId: 'getShareStoryboardSheet',
    summary: 'The sheet of seek previews',
    contentType: 'image/jpeg',
    missing: 'no_storyboard',
    find: (video, request) => representSheet(video, request, video.title),
  }),
  plainFileRoute({
    name: 'storyboard.vtt',
    operationId: 'getShareStoryboardIndex',
    summary: 'The WebVTT index of the seek previews',
    contentType: 'text/vtt',
    missing: 'no_storyboard',
    find: (video, request) =>
      representSheetIndex(video, request, { base: video.title, sheetUrl: 'storyboard.jpg' }),
  }),
];
