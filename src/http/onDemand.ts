import { z } from 'zod';
import type { Asset } from '../db/entities/asset.ts';
import type { Video } from '../db/entities/video.ts';
import { HURRIED_SEC } from '../domain/picture.ts';
import type { Patience, ShortWorkEnd } from '../flows.ts';
import { representObject, sendBytes } from './bytes/sendBytes.ts';
import type { ProblemCode } from './problemCodes.ts';
import type { Reply, Route, RouteRequest } from './route.ts';
import { baseName, fileResponses } from './videoFiles.ts';
import { findVideo } from './videos.ts';
import { whileAsked } from './wait.ts';
import { toWorkProblem } from './workFailures.ts';

/** When to ask again for a file that is still being made. */
const ASK_AGAIN_SEC = 2;

/** A file of a video that is made when somebody asks for it first. */
export interface OnDemandFile {
  /** Those of its kind. */
  files: {
    find(videoId: string, variant: string): Promise<Asset | null>;
    noteUse(file: Asset): Promise<void>;
  };
  /** Its name among them. */
  variant: string;
  make(
    asker: { videoId: string; userId: string; isUrgent: boolean; requestId: string },
    patience: Patience,
  ): Promise<ShortWorkEnd<void>>;
  /** What codes of failed work mean here. */
  failures: Readonly<Record<string, ProblemCode>>;
  /** What follows the name of the video in the name of the file. */
  nameEnd: string;
  /** Its address below that of the video. */
  path: string;
}

/**
 * Gives a file: the one that is there, or else one that is made while the client waits.
 *
 * @throws HttpProblem when it cannot be made; EngineUnavailableError; NoWorkerError
 */
export async function answerOnDemand(
  request: RouteRequest,
  video: Video,
  file: OnDemandFile,
): Promise<Reply | undefined> {
  const { ctx, deps, user } = request;
  const there = await file.files.find(video.id, file.variant);
  if (there) {
    await file.files.noteUse(there);
    return send(request, { video, file, asset: there });
  }
  const hurry = await deps.limits.hurry(user.id, HURRIED_SEC);
  const asker = { videoId: video.id, userId: user.id, requestId: ctx.state.requestId };
  const askedAt = performance.now();
  const end = await whileAsked(ctx, (signal) =>
    file.make({ ...asker, isUrgent: hurry !== null }, { signal }),
  );
  if (end.state !== 'running') await hurry?.end((performance.now() - askedAt) / 1000);
  if (end.state === 'failed') throw toWorkProblem(end, file.failures);
  // Deleted meanwhile, it is not found.
  const stillThere = await findVideo(request, video.id);
  const asset = end.state === 'done' ? await file.files.find(video.id, file.variant) : null;
  return asset ? send(request, { video: stillThere, file, asset }) : answerUnfinished(request, video, file);
}

async function send(
  { ctx, deps }: RouteRequest,
  { video, file, asset }: { video: Video; file: OnDemandFile; asset: Asset },
): Promise<undefined> {
  const filename = `${baseName(video)}${file.nameEnd}`;
  const facts = { contentType: asset.contentType, disposition: { type: 'inline' as const, filename } };
  return sendBytes(ctx, await representObject(deps.storage, asset.key, facts));
}

const unfinishedSchema = z
  .strictObject({ status: z.literal('rendering'), url: z.url() })
  .meta({ id: 'UnfinishedFile' });

function answerUnfinished({ deps }: RouteRequest, video: Video, { path }: OnDemandFile): Reply {
  const url = `${deps.config.PUBLIC_URL}/v1/videos/${video.id}/${path}`;
  const headers = { Location: url, 'Retry-After': String(ASK_AGAIN_SEC) };
  return { status: 202, headers, body: { status: 'rendering', url } };
}

/** What such files answer. */
export const onDemandResponses = (contentType: string): Route['responses'] => ({
  ...fileResponses(contentType),
  202: {
    description: 'Still being made: ask again',
    schema: unfinishedSchema,
    headers: { Location: 'The address to ask again', 'Retry-After': 'Seconds until then' },
  },
  409: { description: '`not_ready`' },
  503: { description: '`no_worker`; `engine_unavailable`' },
});
