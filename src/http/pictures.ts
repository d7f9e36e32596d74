import { z } from 'zod';
import type { Video } from '../db/entities/video.ts';
import {
  PICTURE_CONTENT_TYPES,
  type Picture,
  type PictureFormat,
  pictureVariant,
  planPicture,
} from '../domain/picture.ts';
import { parseTimecode } from '../domain/timecode.ts';
import { sendBytes } from './bytes/sendBytes.ts';
import { admitSigned, signatureFields } from './bytes/signedUrls.ts';
import { answerOnDemand, onDemandResponses } from './onDemand.ts';
import { idParams } from './parse.ts';
import { HttpProblem, invalidRequest } from './problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from './route.ts';
import { baseName, missing, representThumbnail } from './videoFiles.ts';
import { findVideo } from './videos.ts';

/** More than any list of sizes has; what is longer than the longest becomes that. */
const MAX_WISHED_PX = 65_535;

const sideField = z.coerce.number().int().min(1).max(MAX_WISHED_PX).optional();
const choiceFields = {
  time: z
    .string()
    .refine((time) => parseTimecode(time) !== null, 'must be seconds, or HH:MM:SS.mmm')
    .optional()
    .meta({
      description: 'Seconds or `HH:MM:SS.mmm`, to a tenth of a second; a tenth of the duration without it',
    }),
  width: sideField.meta({
    description: 'In pixels; raised to the next of a short list, never beyond the video',
  }),
  height: sideField.meta({ description: 'The same; with both the picture is fitted inside' }),
};
const choiceQuery = z.strictObject(choiceFields);
const pictureQuery = choiceQuery.extend(signatureFields);

type Choice = z.output<typeof choiceQuery>;
type PictureRequest = RouteRequest<unknown, Choice>;

const isChosen = ({ time, width, height }: Choice): boolean =>
  [time, width, height].some((choice) => choice !== undefined);

/**
 * Lets a signed address in for the default picture only. What is signed is the path: whoever was handed one such
 * address could otherwise have a picture made of every tenth of a second, at the cost of the owner's quota and of the
 * pictures that the owner uses. Who chooses needs a token.
 *
 * @throws HttpProblem as `admitSigned`; `invalid_signature` for a signed address with a choice
 */
const admitSignedDefault: NonNullable<Route['orSigned']> = async (asked) => {
  const user = await admitSigned(asked);
  if (user && isChosen(asked.ctx.query as Choice)) {
    throw new HttpProblem(
      'invalid_signature',
      'A signed address gives the default picture only; a chosen time or size needs a token',
    );
  }
  return user;
};

/** @throws HttpProblem `not_ready`; `invalid_request` for a time beyond the end */
function planChosen(video: Video, { time, width, height }: Choice, format: PictureFormat): Picture {
  const { durationSec, width: sourceWidth, height: sourceHeight } = video;
  if (video.status !== 'ready' || !durationSec || !sourceWidth || !sourceHeight) {
    throw missing('not_ready', video, 'The video cannot be looked into, or not yet; its status says more');
  }
  const wish = { timeSec: parseTimecode(time), widthPx: width ?? null, heightPx: height ?? null, format };
  const picture = planPicture(wish, { durationSec, width: sourceWidth, height: sourceHeight });
  if (picture) return picture;
  throw invalidRequest([{ path: 'time', message: `is beyond the duration of ${durationSec} seconds` }]);
}

/** Gives the picture that is chosen. */
function answerChosen(request: PictureRequest, video: Video, format: PictureFormat) {
  const { deps, query } = request;
  const picture = planChosen(video, query, format);
  const variant = pictureVariant(picture);
  return answerOnDemand(request, video, {
    files: deps.db.pictures,
    variant,
    make: (asker, patience) => deps.flows.makePicture({ ...picture, ...asker }, patience),
    failures: FAILURES,
    nameEnd: `-${variant}`,
    path: pathOf(query, format),
  });
}

/** The video is whole as far as its probe can tell, yet nothing of it can be shown there. */
const FAILURES = {
  corrupt_media: 'no_picture',
  unsupported_codec: 'no_picture',
  too_large_picture: 'no_picture',
} as const;

function pathOf(query: Choice, format: PictureFormat): string {
  const choices = Object.entries(query).filter(([name]) => name in choiceFields);
  const asked = new URLSearchParams(choices.map(([name, value]) => [name, String(value)])).toString();
  return asked === '' ? `thumbnail.${format}` : `thumbnail.${format}?${asked}`;
}

interface PictureRouteFacts {
  format: PictureFormat;
  operationId: string;
  summary: string;
  /** Whether its addresses are given out signed. */
  isSigned: boolean;
  answer: (request: PictureRequest, video: Video) => Promise<Reply | undefined>;
}

const pictureRoute = ({ format, operationId, summary, isSigned, answer }: PictureRouteFacts): Route =>
  defineRoute({
    method: 'get',
    path: `/v1/videos/:id/thumbnail.${format}`,
    operationId,
    tag: 'Videos',
    summary,
    description:
      'With a time or a size it is made when somebody asks first, and kept while somebody does. Times snap to a tenth of a second, sizes to a short list.',
    scope: 'read',
    ...(isSigned ? { orSigned: admitSignedDefault } : {}),
    params: idParams,
    query: isSigned ? pictureQuery : choiceQuery,
    responses: {
      ...onDemandResponses(PICTURE_CONTENT_TYPES[format]),
      404: { description: '`no_thumbnail`; `no_picture`; `not_found`' },
    },
    handler: async (request) => answer(request, await findVideo(request, request.params.id)),
  });

export const pictureRoutes: readonly Route[] = [
  pictureRoute({
    format: 'jpg',
    operationId: 'getThumbnail',
    summary: 'The picture at a tenth of the duration, or at a chosen time or size',
    isSigned: true,
    answer: async (request, video) => {
      if (isChosen(request.query)) return answerChosen(request, video, 'jpg');
      return sendBytes(request.ctx, await representThumbnail(video, request, baseName(video)));
    },
  }),
  pictureRoute({
    format: 'webp',
    operationId: 'getWebpThumbnail',
    summary: 'The same as WebP',
    isSigned: false,
    answer: (request, video) => answerChosen(request, video, 'webp'),
  }),
];
