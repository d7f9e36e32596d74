/**
 * The task queues, one per kind of resource: `workflows` (decisions and records), `media` (seconds of
 * ffmpeg), `encode` (minutes of ffmpeg), `net` (transfers), `publish` (arm, send, ask).
 */
export const QUEUES = ['workflows', 'media', 'encode', 'net', 'publish'] as const;
export type Queue = (typeof QUEUES)[number];
