/** By ffprobe's names: what pictures for screens that are brighter than usual are stored by. */
const HIGH_RANGE = ['smpte2084', 'arib-std-b67'] as const;

export type HighRange = (typeof HIGH_RANGE)[number];

/** Gives how a picture of high range is stored; null for a usual one. */
export const highRangeOf = (transfer: string | null | undefined): HighRange | null =>
  HIGH_RANGE.find((each) => each === transfer) ?? null;

/**
 * Gives the filters that bring a picture of high range into that of usual screens (BT.709): the way of ffmpeg's own
 * documentation, linear light, smaller gamut, tone mapping, and back.
 *
 * @param range `pc` for a picture that uses all values
 */
export const intoUsualRange = (transfer: HighRange, range: 'tv' | 'pc' = 'tv'): string[] => [
  // Some files name the transfer alone.
  `setparams=color_primaries=bt2020:color_trc=${transfer}:colorspace=bt2020nc:range=${range}`,
  'zscale=t=linear:npl=100',
  'format=gbrpf32le',
  'zscale=p=bt709',
  'tonemap=tonemap=hable:desat=0',
  'zscale=t=bt709:m=bt709:r=tv',
  'format=yuv420p',
];
