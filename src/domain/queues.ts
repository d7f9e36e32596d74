/**
 * The task queues, one per kind of resource: `workflows` (decisions and records), `media` (seconds of
 * ffmpeg), `encode` (minutes of ffmpeg), `net` (transfers), `speech` (waiting for a transcriber, maybe for hours: what
 * is on `net` must not wait behind that), `notify` (webhooks, bots and the checks of accounts, any of which may hang until
 * its time is over), `publish` (arm, send, ask).
 */
export const QUEUES = ['workflows', 'media', 'encode', 'net', 'speech', 'notify', 'publish'] as const;
export type Queue = (typeof QUEUES)[number];

/**
 * Where the workers of a queue show that they are there. Whoever has all its slots full polls for no more work, maybe
 * for hours, and would look like nobody on the queue itself.
 */
export const presenceQueue = (queue: Queue): string => `${queue}/presence`;
