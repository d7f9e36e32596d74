/** What can be encoded here so that it stands beside copied pieces: by codec and profile in ffprobe's words. */
export interface PictureEncoder {
  encoder: 'libx264' | 'libx265';
  profile: string;
  pixelFormats: readonly string[];
}

const EIGHT_BIT = ['yuv420p', 'yuvj420p'];

const PICTURE_ENCODERS: Record<string, PictureEncoder> = {
  'h264/Constrained Baseline': { encoder: 'libx264', profile: 'baseline', pixelFormats: EIGHT_BIT },
  'h264/Baseline': { encoder: 'libx264', profile: 'baseline', pixelFormats: EIGHT_BIT },
  'h264/Main': { encoder: 'libx264', profile: 'main', pixelFormats: EIGHT_BIT },
  'h264/High': { encoder: 'libx264', profile: 'high', pixelFormats: EIGHT_BIT },
  'h264/High 10': { encoder: 'libx264', profile: 'high10', pixelFormats: ['yuv420p10le'] },
  'h264/High 4:2:2': { encoder: 'libx264', profile: 'high422', pixelFormats: ['yuv422p', 'yuv422p10le'] },
  'hevc/Main': { encoder: 'libx265', profile: 'main', pixelFormats: EIGHT_BIT },
  'hevc/Main 10': { encoder: 'libx265', profile: 'main10', pixelFormats: ['yuv420p10le'] },
};

/** Gives how a picture of this kind is encoded; null when it is not. */
export function pictureEncoder(
  codec: string,
  profile: string | null,
  pixelFormat: string,
): PictureEncoder | null {
  const encoder = PICTURE_ENCODERS[`${codec}/${profile}`];
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
