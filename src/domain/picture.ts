/** Which pictures of a video there can be: times and sizes snap, so that many wishes share few files. */

export const PICTURE_FORMATS = ['jpg', 'webp'] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

export const PICTURE_CONTENT_TYPES: Record<PictureFormat, `image/${string}`> = {
  jpg: 'image/jpeg',
  webp: 'image/webp',
};

/** Times snap to this. */
export const PICTURES_PER_SEC = 10;

/** What a wished side is raised to; one that is longer than the longest becomes that. */
export const PICTURE_SIDES_PX = [160, 320, 360, 480, 640, 720, 960, 1080, 1280, 1920] as const;
const LONGEST_SIDE_PX = 1920;

/** What the picture shows when no time is wished, as the thumbnail does: a share of the duration. */
const DEFAULT_POSITION = 0.1;
const DEFAULT_WIDTH_PX = 640;

export interface PictureWish {
  timeSec: number | null;
  widthPx: number | null;
  heightPx: number | null;
  format: PictureFormat;
}

/** One picture of a video; sizes in pixels. */
export interface Picture {
  timeSec: number;
  width: number;
  height: number;
  format: PictureFormat;
}

interface Source {
  durationSec: number;
  /** As displayed. */
  width: number;
  height: number;
}

/**
 * Gives the picture that a wish comes to: the nearest tenth of a second, fitted into the wished sides after these
 * were raised, in the source's shape and no larger than it.
 *
 * @returns null when the time is beyond the duration
 */
export function planPicture(wish: PictureWish, source: Source): Picture | null {
  const { format } = wish;
  const wishedSec = wish.timeSec ?? source.durationSec * DEFAULT_POSITION;
  if (wishedSec > source.durationSec) return null;
  return { timeSec: snapTime(wishedSec, source.durationSec), ...fitPicture(wish, source), format };
}

/** Names a picture among those of its video. */
export const pictureVariant = ({ timeSec, width, height, format }: Picture): string =>
  `${timeSec.toFixed(1)}s-${width}x${height}.${format}`;

function snapTime(timeSec: number, durationSec: number): number {
  const latest = Math.floor(durationSec * PICTURES_PER_SEC);
  return Math.min(Math.round(timeSec * PICTURES_PER_SEC), latest) / PICTURES_PER_SEC;
}

function fitPicture({ widthPx, heightPx }: PictureWish, source: Source): { width: number; height: number } {
  const isSizeWished = widthPx !== null || heightPx !== null;
  const maxWidth = isSizeWished ? raiseSide(widthPx) : DEFAULT_WIDTH_PX;
  const maxHeight = raiseSide(heightPx);
  const scale = Math.min(1, maxWidth / source.width, maxHeight / source.height);
  return {
    width: toEven(source.width * scale, Math.min(maxWidth, source.width)),
    height: toEven(source.height * scale, Math.min(maxHeight, source.height)),
  };
}

/** A side that nobody wished may be as long as the other one makes it. */
function raiseSide(px: number | null): number {
  if (px === null) return Number.POSITIVE_INFINITY;
  return PICTURE_SIDES_PX.find((side) => side >= px) ?? LONGEST_SIDE_PX;
}

/** The nearest even number that is not above the limit, at least 2: the colours are half as wide and high. */
const toEven = (px: number, limit: number): number =>
  Math.max(2, Math.min(Math.round(px / 2), Math.floor(limit / 2)) * 2);

/**
 * How long a picture may be in the making in front of everybody's videos: nearly all take less than one. What takes
 * longer is begun again, and takes its turn.
 */
export const HURRIED_SEC = 10;
