import { z } from 'zod';
import type { MediaFacts, MediaStream } from '../domain/media.ts';

const number = z.coerce.number();
const numeric = z
  .union([z.string(), z.number()])
  .optional()
  .transform((value) => {
    const parsed = value === undefined ? Number.NaN : Number(value);
    return Number.isFinite(parsed) ? parsed : null;
  });

const stream = z.object({
  index: number,
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  profile: z.string().optional(),
  width: numeric,
  height: numeric,
  sample_aspect_ratio: z.string().optional(),
  pix_fmt: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  start_time: numeric,
  duration: numeric,
  channels: numeric,
  sample_rate: numeric,
  time_base: z.string().optional(),
  level: numeric,
  field_order: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  channel_layout: z.string().optional(),
  disposition: z
    .object({ attached_pic: number.default(0), default: number.default(0) })
    .partial()
    .optional(),
  tags: z.object({ language: z.string().optional() }).optional(),
  side_data_list: z.array(z.object({ rotation: numeric })).optional(),
});

/** What ffprobe prints for our fixed list of entries; everything else is dropped. */
export const probeReport = z.object({
  streams: z.array(stream).default([]),
  format: z.object({ format_name: z.string(), start_time: numeric, duration: numeric }),
});

export type ProbeReport = z.infer<typeof probeReport>;
export type ReportedStream = z.infer<typeof stream>;

const STREAM_TYPES = ['video', 'audio', 'subtitle', 'data', 'attachment'] as const;

const isAttachedPicture = (each: ReportedStream): boolean => each.disposition?.attached_pic === 1;

/** ISO 639-2 or BCP 47 by its shape; `und` is how containers say that they do not know. */
const languageOf = (each: ReportedStream | undefined): string | null => {
  const tag = each?.tags?.language;
  return tag && tag !== 'und' && /^[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}$/i.test(tag) ? tag : null;
};

/** How ffprobe says that a file does not say: by leaving it out, or in words. */
const known = (text: string | undefined): string | null =>
  text === undefined || ['unknown', 'unspecified', 'N/A', '0:1'].includes(text) ? null : text;

const toStream = (each: ReportedStream): MediaStream => ({
  index: each.index,
  type: STREAM_TYPES.find((type) => type === each.codec_type) ?? 'data',
  codec: each.codec_name ?? 'unknown',
  profile: each.profile ?? null,
  language: languageOf(each),
  isAttachedPicture: isAttachedPicture(each),
  width: each.width,
  height: each.height,
  pixelFormat: each.pix_fmt ?? null,
  frameRate: each.avg_frame_rate ?? null,
  channels: each.channels,
  sampleRate: each.sample_rate,
  durationSec: each.duration,
  timeBase: each.time_base ?? null,
  level: each.level,
  pixelAspect: known(each.sample_aspect_ratio),
  fieldOrder: known(each.field_order),
  colorRange: known(each.color_range),
  colorSpace: known(each.color_space),
  colorTransfer: known(each.color_transfer),
  colorPrimaries: known(each.color_primaries),
  channelLayout: known(each.channel_layout),
});

/** Gives the stream a player shows: never cover art, the one marked as default first. */
export function chooseVideo(report: ProbeReport): ReportedStream | undefined {
  const videos = report.streams.filter((each) => each.codec_type === 'video' && !isAttachedPicture(each));
  return videos.find((each) => each.disposition?.default === 1) ?? videos[0];
}

const ratio = (text: string | undefined, separator: string): number | null => {
  const [numerator, denominator] = (text ?? '').split(separator).map(Number);
  if (!numerator || !denominator) return null;
  return numerator / denominator;
};

/** A number beyond this is a broken header, not a frame rate. */
const MAX_FPS = 1000;

const framesPerSecond = (video: ReportedStream): number | null => {
  const fps = ratio(video.avg_frame_rate, '/');
  return fps !== null && fps > 0 && fps <= MAX_FPS ? Math.round(fps * 1000) / 1000 : null;
};

/** ffprobe counts counter-clockwise, players turn clockwise; odd angles are not turned at all. */
const clockwiseRotation = (video: ReportedStream): number => {
  const counterClockwise = video.side_data_list?.find((each) => each.rotation !== null)?.rotation ?? 0;
  const clockwise = (((-Math.round(counterClockwise) % 360) + 360) % 360) + 0;
  return [90, 180, 270].includes(clockwise) ? clockwise : 0;
};

/** Pixels need not be square: the width is what stretches. Beyond this a ratio is a broken header. */
const MAX_PIXEL_ASPECT = 4;

function displaySize(video: ReportedStream, rotation: number): { width: number; height: number } {
  const aspect = ratio(video.sample_aspect_ratio, ':') ?? 1;
  const isSane = aspect >= 1 / MAX_PIXEL_ASPECT && aspect <= MAX_PIXEL_ASPECT;
  const width = Math.round((video.width ?? 0) * (isSane ? aspect : 1));
  const height = video.height ?? 0;
  return rotation % 180 === 90 ? { width: height, height: width } : { width, height };
}

/**
 * Gives where the picture ends, counted from where a player begins: the earliest of what stream and container say,
 * since each may lie, and a seek past the end finds nothing. That a picture begins late counts only where the container
 * says how long it lasts.
 */
export function declaredDuration({ format }: ProbeReport, video: ReportedStream): number | null {
  const isKnown = (value: number | null): value is number => value !== null && value > 0;
  if (!isKnown(format.duration)) return isKnown(video.duration) ? video.duration : null;
  if (!isKnown(video.duration)) return format.duration;
  const lateSec = Math.max(0, (video.start_time ?? 0) - (format.start_time ?? 0));
  return Math.min(lateSec + video.duration, format.duration);
}

/** Turns a report into facts. */
export function toMediaFacts(
  report: ProbeReport,
  video: ReportedStream,
  outer: Pick<MediaFacts, 'container' | 'durationSec' | 'sizeBytes' | 'isProgressive'>,
): MediaFacts {
  const audio = report.streams.find((each) => each.codec_type === 'audio');
  const rotation = clockwiseRotation(video);
  return {
    container: outer.container,
    durationSec: Math.max(0.001, Math.round(outer.durationSec * 1000) / 1000),
    sizeBytes: outer.sizeBytes,
    isProgressive: outer.isProgressive,
    ...displaySize(video, rotation),
    fps: framesPerSecond(video),
    rotation,
    videoCodec: video.codec_name ?? 'unknown',
    audioCodec: audio?.codec_name ?? null,
    hasAudio: audio !== undefined,
    language: languageOf(audio),
    videoStreamIndex: video.index,
    streams: report.streams.map(toStream),
  };
}
