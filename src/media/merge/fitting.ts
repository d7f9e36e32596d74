import type { MergeFit } from '../../domain/edit.ts';
import type { PictureFormat } from './format.ts';

interface Size {
  width: number;
  height: number;
}

const even = (px: number): number => Math.round(px / 2) * 2;

/** A difference that nobody sees is stretched away instead of being framed. */
const UNSEEN_PX = 2;

/**
 * Gives the filters that bring an upright picture into the common shape: scaled, then set into bars or cut, then
 * turned the way the common picture is stored. Numbers only.
 *
 * @param shown what a player shows of the input
 */
export function fitFilters(
  shown: Size,
  format: PictureFormat,
  fit: MergeFit,
  scaleOptions: string,
): string[] {
  const isTurned = format.rotation % 180 === 90;
  const [wide, high] = isTurned ? [...format.pixelAspect].reverse() : format.pixelAspect;
  const aspect = (wide ?? 1) / (high ?? 1);
  const frame = isTurned
    ? { width: format.height, height: format.width }
    : { width: format.width, height: format.height };
  const scaled = scaleInto(shown, frame, aspect, fit);
  const isFramed = scaled.width !== frame.width || scaled.height !== frame.height;
  return [
    `scale=${scaled.width}:${scaled.height}:${scaleOptions}`,
    ...(isFramed ? [fit === 'contain' ? pad(scaled, frame) : crop(scaled, frame)] : []),
    ...TURN_BACK[format.rotation as keyof typeof TURN_BACK],
    `setsar=${format.pixelAspect.join('/')}`,
  ];
}

function scaleInto(shown: Size, frame: Size, aspect: number, fit: MergeFit): Size {
  // In the frame's own pixels, which need not be square.
  const [across, down] = [frame.width / (shown.width / aspect), frame.height / shown.height];
  const factor = fit === 'contain' ? Math.min(across, down) : Math.max(across, down);
  const nearly = (px: number, whole: number) =>
    Math.abs(px - whole) <= UNSEEN_PX ? whole : Math.max(2, even(px));
  return {
    width: nearly((shown.width / aspect) * factor, frame.width),
    height: nearly(shown.height * factor, frame.height),
  };
}

const halfEven = (px: number): number => Math.max(0, Math.floor(px / 4) * 2);

const pad = (scaled: Size, frame: Size): string => {
  const [x, y] = [halfEven(frame.width - scaled.width), halfEven(frame.height - scaled.height)];
  return `pad=${frame.width}:${frame.height}:${x}:${y}:black`;
};

const crop = (scaled: Size, frame: Size): string => {
  const [x, y] = [halfEven(scaled.width - frame.width), halfEven(scaled.height - frame.height)];
  return `crop=${frame.width}:${frame.height}:${x}:${y}`;
};

/** Against the way a player will turn it. */
const TURN_BACK = {
  0: [],
  90: ['transpose=cclock'],
  180: ['hflip', 'vflip'],
  270: ['transpose=clock'],
} as const;
