/** How H.264 is encoded so that it stands beside copied pieces. */
export interface PictureEncoder {
  profile: string;
  pixelFormats: readonly string[];
}

const EIGHT_BIT = ['yuv420p', 'yuvj420p'];

/** By the profile in ffprobe's words. */
const PICTURE_ENCODERS: Record<string, PictureEncoder> = {
  'Constrained Baseline': { profile: 'baseline', pixelFormats: EIGHT_BIT },
  Baseline: { profile: 'baseline', pixelFormats: EIGHT_BIT },
  Main: { profile: 'main', pixelFormats: EIGHT_BIT },
  High: { profile: 'high', pixelFormats: EIGHT_BIT },
  'High 10': { profile: 'high10', pixelFormats: ['yuv420p10le'] },
  'High 4:2:2': { profile: 'high422', pixelFormats: ['yuv422p', 'yuv422p10le'] },
};

/**
 * Gives how a picture of this kind is encoded; null when it is not. Only H.264 is: its frames may carry their own
 * parameters when encoders differ, those of `hvc1` may not, and encoding HEVC or AV1 takes many times as long.
 */
export function pictureEncoder(
  codec: string,
  profile: string | null,
  pixelFormat: string,
): PictureEncoder | null {
  const encoder = codec === 'h264' && profile !== null ? PICTURE_ENCODERS[profile] : undefined;
  return encoder?.pixelFormats.includes(pixelFormat) ? encoder : null;
}

/** Sample rates of AAC (ISO/IEC 14496-3, table 1.18) that players know. */
const AAC_RATES = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
const LAYOUTS: Record<number, string> = { 1: 'mono', 2: 'stereo', 6: '5.1', 8: '7.1' };

/** Gives a rate and a layout that AAC can have, near those of a track. */
export function nearestSound(sampleRate: number | null, channels: number | null) {
  return {
    sampleRate: AAC_RATES.includes(sampleRate ?? 0) ? (sampleRate as number) : 48_000,
    channelLayout: LAYOUTS[channels ?? 2] ?? 'stereo',
  };
}

/** Whether sound with these words of the probe can be encoded just so. */
export const isEncodableSound = (
  codec: string,
  profile: string | null,
  rate: number,
  layout: string,
): boolean =>
  codec === 'aac' && profile === 'LC' && AAC_RATES.includes(rate) && Object.values(LAYOUTS).includes(layout);

const CHANNELS = Object.fromEntries(
  Object.entries(LAYOUTS).map(([channels, name]) => [name, Number(channels)]),
);

export const channelsOf = (layout: string): number => CHANNELS[layout] ?? 2;
