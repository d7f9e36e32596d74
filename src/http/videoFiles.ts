import { z } from 'zod';
import type { Asset } from '../db/entities/asset.ts';
import type { Video } from '../db/entities/video.ts';
import { type AssetKind, isFinalStep } from '../domain/video.ts';
import type { Storage } from '../storage/storage.ts';
import { assetOf } from '../views/videos.ts';
import { mediaTypeOf } from './bytes/mediaTypes.ts';
import { type Representation, representObject, sendBytes } from './bytes/sendBytes.ts';
import { admitSigned, createSignPath, signatureFields } from './bytes/signedUrls.ts';
import { idParams } from './parse.ts';
import { HttpProblem } from './problem.ts';
import type { ProblemCode } from './problemCodes.ts';
import { defineRoute, type Route, type RouteRequest } from './route.ts';
import { representIndex } from './storyboardIndex.ts';
import { findVideo } from './videos.ts';

const signedQuery = z.strictObject(signatureFields);
type FileRequest = RouteRequest<unknown, z.output<typeof signedQuery>>;
type FileDeps = Pick<RouteRequest, 'deps'>;

interface FileFacts {
  /** The last part of the address. */
  name: string;
  operationId: string;
  summary: string;
  contentType: string | readonly string[];
  refusals: Route['responses'];
  find: (video: Video, request: FileRequest) => Promise<Representation>;
}

/** What every file answers, whichever it is and whoever asks. */
export const bytesResponses = (contentType: string | readonly string[]): Route['responses'] => ({
  200: { description: 'The bytes', contentType },
  206: { description: 'The ranges asked for', contentType },
  304: { description: 'Unchanged' },
  412: { description: '`precondition_failed`' },
  416: { description: '`range_not_satisfiable`' },
});

/** What those of a user answer beside that. */
export const fileResponses = (contentType: string | readonly string[]): Route['responses'] => ({
  ...bytesResponses(contentType),
  403: { description: '`invalid_signature`; `insufficient_scope`' },
});

/** Every file of a video is given out alike: by token or by signed address, whole or in ranges. */
const fileRoute = ({ name, operationId, summary, contentType, refusals, find }: FileFacts): Route =>
  defineRoute({
    method: 'get',
    path: `/v1/videos/:id/${name}`,
    operationId,
    tag: 'Videos',
    summary,
    scope: 'read',
    orSigned: admitSigned,
    params: idParams,
    query: signedQuery,
    responses: { ...fileResponses(contentType), ...refusals },
    handler: async (request) => {
      const video = await findVideo(request, request.params.id);
      return sendBytes(request.ctx, await find(video, request));
    },
  });

/** The name of a video's files, without an extension. */
export const baseName = (video: Video): string => video.filename?.replace(/\.[^.]*$/, '') || video.title;

/** Without somebody's retry nothing more becomes of these. */
export const isGivenUp = ({ status }: Pick<Video, 'status'>): boolean =>
  status === 'failed' || status === 'cancelled';

/** What is missing now may come with time, unless the work on the video was given up. */
export const missing = (code: ProblemCode, video: Video, detail?: string): HttpProblem =>
  new HttpProblem(code, detail, { retryable: !isGivenUp(video) });

/** The transcript that is missing may come while its step is not at its end. */
export function missingTranscript(video: Video): HttpProblem {
  const step = [...video.steps].find(({ name }) => name === 'transcript');
  const mayCome = step !== undefined && !isFinalStep(step.state) && !isGivenUp(video);
  return new HttpProblem('no_transcript', undefined, { retryable: mayCome });
}

/** @throws HttpProblem `not_ready` for a video that has no bytes yet */
function representSource(
  video: Video,
  { deps }: FileDeps,
  { type, name }: { type: 'inline' | 'attachment'; name: (extension: string) => string },
): Promise<Representation> {
  if (!video.sourceKey) throw missing('not_ready', video, 'The video has no bytes yet');
  const { contentType, extension } = mediaTypeOf(video.container ?? null);
  const disposition = { type, filename: name(extension) };
  return representObject(deps.storage, video.sourceKey, { contentType, disposition });
}

/**
 * Gives the uploaded bytes under their own name.
 *
 * @throws HttpProblem `not_ready` for a video that has no bytes yet
 */
export const representUpload = (video: Video, request: FileDeps): Promise<Representation> =>
  representSource(video, request, {
    type: 'attachment',
    name: (extension) => video.filename ?? `${video.title}.${extension}`,
  });

/**
 * Gives what a browser is to play: the rendition made for it, or the source where there is none (yet).
 *
 * @param base its name, without an extension
 * @throws HttpProblem `not_ready`
 */
export async function representPlayable(
  video: Video,
  request: FileDeps,
  base: string,
): Promise<Representation> {
  if (video.status !== 'ready') throw missing('not_ready', video);
  const name = (extension: string) => `${base}.${extension}`;
  const rendition = assetOf(video, 'playback');
  if (!rendition) return representSource(video, request, { type: 'inline', name });
  const { contentType, key } = rendition;
  const disposition = { type: 'inline' as const, filename: name('mp4') };
  return representObject(request.deps.storage, key, { contentType, disposition });
}

/** @throws HttpProblem with the code for a file that is not there */
function requireAsset(video: Video, kind: AssetKind, code: ProblemCode): Asset {
  const asset = assetOf(video, kind);
  if (!asset) throw missing(code, video);
  return asset;
}

/**
 * Gives the picture that stands for a video.
 *
 * @param base its name, without an extension
 * @throws HttpProblem `no_thumbnail`
 */
export const representThumbnail = async (video: Video, { deps }: FileDeps, base: string) =>
  representPicture(deps.storage, requireAsset(video, 'thumbnail', 'no_thumbnail'), `${base}.jpg`);

/**
 * Gives the sheet of seek previews.
 *
 * @param base its name, without an extension
 * @throws HttpProblem `no_storyboard`
 */
export const representSheet = async (video: Video, { deps }: FileDeps, base: string) =>
  representPicture(
    deps.storage,
    requireAsset(video, 'storyboard_image', 'no_storyboard'),
    `${base}-storyboard.jpg`,
  );

/**
 * Gives the index of the sheet, with the address of that as the reader can use it.
 *
 * @param options.base its name, without an extension
 * @throws HttpProblem `no_storyboard`
 */
export async function representSheetIndex(
  video: Video,
  { deps }: FileDeps,
  { base, sheetUrl }: { base: string; sheetUrl: string },
): Promise<Representation> {
  const asset = requireAsset(video, 'storyboard_index', 'no_storyboard');
  return representIndex(deps.storage, asset, { sheetUrl, filename: `${base}-storyboard.vtt` });
}

function representPicture(storage: Storage, { key }: Asset, filename: string): Promise<Representation> {
  return representObject(storage, key, {
    contentType: 'image/jpeg',
    disposition: { type: 'inline', filename },
  });
}

/** Whoever came by a signed address gets one to the sheet, with the same end; whoever has a token needs none. */
function sheetUrl(video: Video, { deps, user, query }: FileRequest): string {
  if (user.tokenId !== null || query.expires === undefined) return 'storyboard.jpg';
  return createSignPath(deps.config, Number(query.expires))(`/v1/videos/${video.id}/storyboard.jpg`);
}

export const videoFileRoutes: readonly Route[] = [
  fileRoute({
    name: 'stream',
    operationId: 'streamVideo',
    summary:
      'What a browser plays, once the video is ready: an MP4 made for it, or the source where that will do',
    contentType: 'video/*',
    refusals: { 409: { description: '`not_ready`' } },
    find: (video, request) => representPlayable(video, request, baseName(video)),
  }),
  fileRoute({
    name: 'download',
    operationId: 'downloadVideo',
    summary: 'The uploaded bytes, as a file to keep',
    contentType: ['video/*', 'application/octet-stream'],
    refusals: { 409: { description: '`not_ready`: it has no bytes yet' } },
    find: async (video, request) => representUpload(video, request),
  }),
  fileRoute({
    name: 'storyboard.jpg',
    operationId: 'getStoryboardSheet',
    summary: 'The sheet of seek previews',
    contentType: 'image/jpeg',
    refusals: { 404: { description: '`no_storyboard`; `not_found`' } },
    find: (video, request) => representSheet(video, request, baseName(video)),
  }),
  fileRoute({
    name: 'storyboard.vtt',
    operationId: 'getStoryboardIndex',
    summary: 'The WebVTT index of the seek previews',
    contentType: 'text/vtt',
    refusals: { 404: { description: '`no_storyboard`; `not_found`' } },
    find: (video, request) =>
      representSheetIndex(video, request, { base: baseName(video), sheetUrl: sheetUrl(video, request) }),
  }),
];
