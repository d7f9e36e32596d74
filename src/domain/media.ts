/** What is known of a media file after the probe. Sizes in pixels as displayed (rotation applied). */
export interface MediaFacts {
  container: string;
  durationSec: number;
  sizeBytes: number;
  width: number;
  height: number;
  /** Average frames per second, three decimals at most; null when the file does not say. */
  fps: number | null;
  /** Clockwise degrees (0, 90, 180, 270) a player turns the coded picture by. */
  rotation: number;
  videoCodec: string;
  audioCodec: string | null;
  hasAudio: boolean;
  /** BCP 47 or ISO 639-2 tag of the first audio track, when the file says so. */
  language: string | null;
  /** Index of the chosen video stream (never cover art) within the file. */
  videoStreamIndex: number;
  /** The streams as reported, reduced to fixed fields; stored with the video so that no later step probes again. */
  streams: MediaStream[];
  /** Whether the index of an MP4 or MOV comes before the media; null for other containers. */
  isProgressive: boolean | null;
}

export interface MediaStream {
  index: number;
  type: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment';
  codec: string;
  profile: string | null;
  language: string | null;
  isAttachedPicture: boolean;
  width: number | null;
  height: number | null;
  pixelFormat: string | null;
  frameRate: string | null;
  channels: number | null;
  sampleRate: number | null;
  durationSec: number | null;
  /** `1/15360`: what timestamps are counted in. */
  timeBase: string | null;
  level: number | null;
  /** Width to height of one pixel, `1:1` mostly. */
  pixelAspect: string | null;
  /** `progressive`, or how an interlaced picture is laid out; null when unknown. */
  fieldOrder: string | null;
  colorRange: string | null;
  colorSpace: string | null;
  colorTransfer: string | null;
  colorPrimaries: string | null;
  channelLayout: string | null;
}

/** Gives the stream a player shows; undefined when a record does not fit its file. */
export const videoStreamOf = ({ streams, videoStreamIndex }: MediaFacts): MediaStream | undefined =>
  streams.find(({ index }) => index === videoStreamIndex);

/** Gives the sound tracks that can be decoded, in their order: nothing is made of one in a codec that has no name. */
export const soundStreamsOf = ({ streams }: Pick<MediaFacts, 'streams'>): MediaStream[] =>
  streams.filter(({ type, codec }) => type === 'audio' && codec !== 'unknown' && codec !== 'none');

/** Whether a picture is made of two fields that must be told apart: shown at once, they are a comb. */
export const isInterlaced = ({ fieldOrder }: Partial<MediaStream>): boolean =>
  (fieldOrder ?? 'progressive') !== 'progressive';

/** Whether a picture is stored as red, green and blue, by ffmpeg's names. */
export const isRgb = ({ pixelFormat }: Partial<MediaStream>): boolean =>
  /^(gbr|rgb|bgr|argb|abgr|pal8)/.test(pixelFormat ?? '');
