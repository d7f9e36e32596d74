/** The words of uploads: bytes on their way in. Imports nothing of ours. */

/** How the bytes come: one after the other from an offset on, or as numbered chunks in any order. */
export const UPLOAD_PROTOCOLS = ['tus', 'chunks'] as const;
export type UploadProtocol = (typeof UPLOAD_PROTOCOLS)[number];

/**
 * - `open`: bytes are missing
 * - `complete`: every byte is here and durable; the hand-over to the video is due
 * - `accepted`: the video has its source
 * - `refused`: the hand-over was refused; the row says why
 * - `expired`: its time ran out before the last byte
 * - `terminated`: its owner took it back
 */
export const UPLOAD_STATES = ['open', 'complete', 'accepted', 'refused', 'expired', 'terminated'] as const;
export type UploadState = (typeof UPLOAD_STATES)[number];

/** States that still need work; the others are final. */
export const LIVE_UPLOAD_STATES = ['open', 'complete'] as const satisfies UploadState[];

/** Where the bytes of an upload are stored while they come: everything under it is the upload's alone. */
export const uploadPrefix = (uploadId: string): string => `uploads/${uploadId}/`;

/** The one object that they become. */
export const uploadSourceKey = (uploadId: string): string => `sources/${uploadId}`;
