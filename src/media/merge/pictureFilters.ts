import type { MergeFit } from '../../domain/edit.ts';
import { isInterlaced, isRgb, videoStreamOf } from '../../domain/media.ts';
import { highRangeOf, intoUsualRange } from '../usualRange.ts';
import { fitFilters } from './fitting.ts';
import { type Colors, effectiveColors, type PictureFormat } from './format.ts';
import type { MergeInput } from './request.ts';

/** ffmpeg's `scale` calls some matrices by other names than its probe. */
const MATRICES: Record<string, string> = {
  bt709: 'bt709',
  smpte170m: 'smpte170m',
  bt470bg: 'bt470',
  smpte240m: 'smpte240m',
  fcc: 'fcc',
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
};

const matrix = (side: 'in' | 'out', { space }: Colors): string[] =>
  MATRICES[space] ? [`${side}_color_matrix=${MATRICES[space]}`] : [];

const USUAL: Colors = { space: 'bt709', primaries: 'bt709', transfer: 'bt709', range: 'tv' };

/**
 * Gives the filters that bring the picture of an input into the common format. ffmpeg turns it upright before the
 * first of these. A frame is there from the very first moment: one that begins late is shown from the beginning.
 */
export function pictureFilters({ facts }: MergeInput, format: PictureFormat, fit: MergeFit): string[] {
  const stream = videoStreamOf(facts);
  if (!stream) return [];
  const own = effectiveColors(stream);
  const highRange = highRangeOf(own.transfer);
  const from = highRange ? USUAL : own;
  const scaleOptions = [
    'flags=bicubic',
    ...(isRgb(stream) ? [] : matrix('in', from)),
    ...matrix('out', format.colors),
    `out_range=${format.colors.range === 'pc' ? 'pc' : 'tv'}`,
  ].join(':');
  return [
    ...(isInterlaced(stream) ? ['bwdif=mode=send_frame:deint=interlaced'] : []),
    `fps=${format.frameRate}:start_time=0`,
    ...(highRange ? intoUsualRange(highRange, own.range === 'pc' ? 'pc' : 'tv') : []),
    ...fitFilters(facts, format, fit, scaleOptions),
    `format=${format.pixelFormat}`,
  ];
}
