/**
 * What ffmpeg and ffprobe may touch. The format list is the one that matters: a protocol list alone
 * still lets a playlist that calls itself `.mp4` read other local files. Both are needed, before every
 * input, together with the decoder list (rarely used decoders are the least tested code in ffmpeg).
 */

/** Demuxers, by ffmpeg's names. None of them follows references to other files. */
export const DEMUXERS = [
  'mov',
  'matroska',
  'avi',
  'mpegts',
  'mpeg',
  'flv',
  'asf',
  'ogg',
  'wav',
  'mp3',
  'aac',
  'flac',
] as const;

const VIDEO_DECODERS = [
  ...['h264', 'hevc', 'vp8', 'libvpx', 'vp9', 'libvpx-vp9', 'libdav1d', 'libaom-av1', 'av1'],
  ...['mpeg4', 'mpeg2video', 'mpeg1video', 'mpegvideo', 'h263', 'h263p', 'flv', 'vp6', 'vp6f', 'vp6a'],
  ...['msmpeg4', 'msmpeg4v2', 'msmpeg4v1', 'wmv1', 'wmv2', 'wmv3', 'vc1', 'theora'],
  ...['mjpeg', 'prores', 'dnxhd', 'dvvideo', 'rawvideo', 'png'],
] as const;

const AUDIO_DECODERS = [
  ...['aac', 'aac_fixed', 'aac_latm', 'mp3float', 'mp3', 'mp2float', 'mp2', 'mp1float', 'mp1'],
  ...['opus', 'libopus', 'vorbis', 'libvorbis', 'ac3', 'ac3_fixed', 'eac3', 'dca', 'truehd', 'mlp'],
  ...['flac', 'alac', 'wavpack', 'tta', 'wmav1', 'wmav2', 'wmapro', 'wmalossless'],
  ...['amrnb', 'amrwb', 'speex', 'libspeex', 'nellymoser', 'adpcm_ms', 'adpcm_ima_wav', 'adpcm_ima_qt'],
  ...['adpcm_swf', 'gsm', 'gsm_ms', 'pcm_alaw', 'pcm_mulaw', 'pcm_bluray', 'pcm_dvd'],
  ...['pcm_f32be', 'pcm_f32le', 'pcm_f64be', 'pcm_f64le', 'pcm_s16be', 'pcm_s16le', 'pcm_s24be'],
  ...['pcm_s24le', 'pcm_s32be', 'pcm_s32le', 'pcm_s8', 'pcm_u8', 'pcm_s16le_planar'],
] as const;

/** Only so that a film with subtitles passes the probe; no step renders them. */
const SUBTITLE_DECODERS = [
  ...['ass', 'ssa', 'srt', 'subrip', 'text', 'mov_text', 'webvtt', 'dvbsub', 'dvdsub', 'pgssub', 'cc_dec'],
  'libzvbi_teletextdec',
] as const;

export const DECODERS = [...VIDEO_DECODERS, ...AUDIO_DECODERS, ...SUBTITLE_DECODERS] as const;

/** More than 8K (7680 x 4320), less than what one frame may cost in memory. */
export const MAX_PIXELS = 40_000_000;

export const MAX_STREAMS = 32;

/** How large what is read may be: one picture, and all that is beside it. */
export const SIZE_GUARD: readonly string[] = [
  ...['-max_pixels', String(MAX_PIXELS)],
  ...['-max_streams', String(MAX_STREAMS)],
];

const inputGuard = (protocols: string, demuxers: string): string[] => [
  ...['-protocol_whitelist', protocols],
  ...['-format_whitelist', demuxers],
  ...['-codec_whitelist', DECODERS.join(',')],
  ...SIZE_GUARD,
];

/** Options that stand before every untrusted input file. */
export const FILE_GUARD: readonly string[] = inputGuard('file', DEMUXERS.join(','));

/** Options before the input of the second process of a pipe, which reads what our first process wrote. */
export const PIPE_GUARD: readonly string[] = inputGuard('pipe', 'nut');
