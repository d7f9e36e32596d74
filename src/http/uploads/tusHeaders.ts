import type { Upload } from '../../db/entities/upload.ts';

/** How far an upload is, and how long it lives, in the protocol's headers. What is complete does not expire. */
export const progressHeaders = (upload: Upload): Record<string, string> => ({
  'Upload-Offset': String(upload.offsetBytes),
  ...(upload.state === 'open' ? { 'Upload-Expires': upload.expiresAt.toUTCString() } : {}),
});

/** All that HEAD tells. */
export const uploadHeaders = (upload: Upload): Record<string, string> => ({
  ...progressHeaders(upload),
  ...((upload.lengthBytes ?? null) === null
    ? { 'Upload-Defer-Length': '1' }
    : { 'Upload-Length': String(upload.lengthBytes) }),
  ...(upload.metadata ? { 'Upload-Metadata': upload.metadata } : {}),
});
