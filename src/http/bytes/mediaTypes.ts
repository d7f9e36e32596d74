/** Media type and file extension by container. Browsers go by these: what was sent along is never repeated. */
const TYPES: Readonly<Record<string, { contentType: string; extension: string }>> = {
  mp4: { contentType: 'video/mp4', extension: 'mp4' },
  mov: { contentType: 'video/quicktime', extension: 'mov' },
  mkv: { contentType: 'video/x-matroska', extension: 'mkv' },
  webm: { contentType: 'video/webm', extension: 'webm' },
  avi: { contentType: 'video/x-msvideo', extension: 'avi' },
  mpegts: { contentType: 'video/mp2t', extension: 'ts' },
  mpeg: { contentType: 'video/mpeg', extension: 'mpg' },
  flv: { contentType: 'video/x-flv', extension: 'flv' },
  asf: { contentType: 'video/x-ms-asf', extension: 'wmv' },
  ogg: { contentType: 'video/ogg', extension: 'ogv' },
};
const UNKNOWN = { contentType: 'application/octet-stream', extension: 'bin' };

/** Gives the media type of a video by its probed container; null before the probe. */
export const mediaTypeOf = (container: string | null) => (container ? TYPES[container] : null) ?? UNKNOWN;
