import { z } from 'zod';
import type { Upload } from '../db/entities/upload.ts';
import { UPLOAD_PROTOCOLS, UPLOAD_STATES } from '../domain/upload.ts';

const instant = z.iso.datetime();

export const uploadSchema = z
  .strictObject({
    id: z.uuid(),
    protocol: z.enum(UPLOAD_PROTOCOLS),
    state: z.enum(UPLOAD_STATES).meta({
      description:
        '`open`: bytes are missing; `complete`: all are here; `accepted`: the video has them; `refused`, `expired`, `terminated`: over without',
    }),
    offset: z.int().meta({ description: 'How many bytes are here, durably' }),
    length: z.int().nullable().meta({ description: 'How many there will be; null while that is not known' }),
    video_id: z.uuid().nullable().meta({ description: 'What the bytes become; null once it ended without' }),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    expires_at: instant.nullable().meta({ description: 'Moves on with every byte; null once all are here' }),
    completed_at: instant.nullable(),
    created_at: instant,
  })
  .meta({ id: 'Upload', description: 'Bytes on their way in' });

export type UploadView = z.output<typeof uploadSchema>;

/** Says whether its time is over, marked or not. */
export const isExpired = (upload: Upload): boolean =>
  upload.state === 'expired' || (upload.state === 'open' && upload.expiresAt.getTime() <= Date.now());

/** Gives an upload as the API shows it. */
export function toUploadView(upload: Upload): UploadView {
  return {
    id: upload.id,
    protocol: upload.protocol,
    state: isExpired(upload) ? 'expired' : upload.state,
    offset: upload.offsetBytes,
    length: upload.lengthBytes ?? null,
    video_id: upload.video?.id ?? null,
    error: upload.errorCode ? { code: upload.errorCode, message: upload.errorMessage ?? '' } : null,
    expires_at: upload.state === 'open' ? upload.expiresAt.toISOString() : null,
    completed_at: upload.completedAt?.toISOString() ?? null,
    created_at: upload.createdAt.toISOString(),
  };
}
