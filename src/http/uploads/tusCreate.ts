import type { Context } from 'koa';
import type { Upload } from '../../db/entities/upload.ts';
import { newId } from '../../db/ids.ts';
import type { NewUpload } from '../../db/uploads.ts';
import { DEFAULT_STEPS } from '../../domain/video.ts';
import { toUploadView } from '../../views/uploads.ts';
import { HttpProblem, invalidRequest } from '../problem.ts';
import type { Reply, RouteRequest } from '../route.ts';
import { tooLarge } from './bodyChunks.ts';
import { assertDiskTakes, quotaLimits } from './quotas.ts';
import { tellEngine } from './tusEngine.ts';
import { progressHeaders } from './tusHeaders.ts';
import { parseMetadata, type TusFields } from './tusMetadata.ts';
import { hasBody, readChecksum, readNewLength, requireBodyType } from './tusProtocol.ts';
import { receiveBody, tooMuch } from './tusReceive.ts';
import { toVideoEntry } from './videoEntry.ts';

interface Announced {
  lengthBytes: number | null;
  metadata: string | null;
  fields: TusFields;
}

/** Creates an upload with its video, and takes the bytes that come along. */
export async function createUpload(request: RouteRequest): Promise<Reply> {
  const { ctx, deps, user, idempotency } = request;
  assertNoPart(ctx);
  const isSending = hasBody(ctx);
  if (isSending) requireBodyType(ctx);
  const checksum = readChecksum(ctx);
  const announced = readAnnounced(request);
  // The bytes of a repetition could not be told from other ones: the first answer went out before they came.
  if (isSending && ctx.get('Idempotency-Key') !== '')
    throw invalidRequest([
      { path: 'Idempotency-Key', message: 'belongs to a creation without a body; send the bytes with PATCH' },
    ]);
  const { lengthBytes, metadata } = announced;
  const first = await idempotency.identify({ lengthBytes, metadata });
  if (first) return first;
  await assertDiskTakes(deps, lengthBytes ?? ctx.request.length ?? 0);
  let created: Upload | undefined;
  const reply = await idempotency.commit(async ({ uploads }) => {
    created = await uploads.create(toNewUpload(request, announced), quotaLimits(deps.config));
    return toCreatedReply(request, created);
  });
  if (!created) return reply;
  tellEngine(request, created);
  if (!isSending) return reply;
  // Known whatever becomes of the bytes: the client may go on there.
  ctx.set('Location', locationOf(request, created));
  await receiveBody(request, created, { offsetBytes: 0, checksum, newLengthBytes: null });
  const received = (await deps.db.uploads.find(user.id, created.id)) ?? created;
  if (received.state !== 'open') tellEngine(request, received);
  const { body, headers } = toCreatedReply(request, received);
  return { status: 201, body, headers: { ...headers, 'Upload-Offset': String(received.offsetBytes) } };
}

/** A part of a file would be taken for all of it. */
function assertNoPart(ctx: Context): void {
  if (!ctx.get('Upload-Concat')) return;
  const message =
    'Upload-Concat is not spoken here: send a file as one upload, or in chunks at /v1/videos/chunks';
  throw new HttpProblem('invalid_header', message);
}

/** @throws HttpProblem `invalid_header`, `invalid_request`, `too_large`, `empty_file` */
function readAnnounced({ ctx, deps }: RouteRequest): Announced {
  const { MAX_UPLOAD_BYTES } = deps.config;
  const lengthBytes = readNewLength(ctx);
  if (lengthBytes === 0) throw new HttpProblem('empty_file');
  if ((lengthBytes ?? 0) > MAX_UPLOAD_BYTES) throw tooLarge(MAX_UPLOAD_BYTES);
  if ((ctx.request.length ?? 0) > (lengthBytes ?? MAX_UPLOAD_BYTES))
    throw tooMuch({ lengthBytes }, MAX_UPLOAD_BYTES);
  const metadata = ctx.get('Upload-Metadata') || null;
  return { lengthBytes, metadata, fields: metadata === null ? {} : parseMetadata(metadata) };
}

function toNewUpload({ deps, user }: RouteRequest, { lengthBytes, metadata, fields }: Announced): NewUpload {
  return {
    id: newId(),
    userId: user.id,
    protocol: 'tus',
    lengthBytes,
    metadata,
    optionalSteps: fields.process ?? [...DEFAULT_STEPS],
    expiresAt: new Date(Date.now() + deps.config.UPLOAD_EXPIRY_SEC * 1000),
    clientFileId: null,
    totalChunks: null,
    video: toVideoEntry(fields, fields.filename),
  };
}

const locationOf = ({ deps }: RouteRequest, { id }: Upload): string =>
  `${deps.config.PUBLIC_URL}/v1/uploads/${id}`;

const toCreatedReply = (request: RouteRequest, upload: Upload): Reply => {
  const { 'Upload-Offset': _, ...headers } = progressHeaders(upload);
  return {
    status: 201,
    headers: { Location: locationOf(request, upload), ...headers },
    body: toUploadView(upload),
    objectId: upload.id,
  };
};
