import type { Upload } from '../../db/entities/upload.ts';
import { HttpProblem, notFound } from '../problem.ts';
import type { Reply, RouteRequest } from '../route.ts';
import { quotaLimits } from './quotas.ts';
import { tellEngine } from './tusEngine.ts';
import { progressHeaders } from './tusHeaders.ts';
import { hasBody, readByteCount, readChecksum, requireBodyType, requireOffset } from './tusProtocol.ts';
import { type BodyFacts, findWritable, receiveBody, tooMuch } from './tusReceive.ts';

/** Takes the next bytes of an upload. */
export async function appendToUpload(request: RouteRequest<{ id: string }>): Promise<Reply> {
  const { ctx, deps, params, user } = request;
  requireBodyType(ctx);
  const facts: BodyFacts = {
    offsetBytes: requireOffset(ctx),
    checksum: readChecksum(ctx),
    newLengthBytes: readByteCount(ctx, 'Upload-Length'),
  };
  const upload = await findWritable(request, params.id, facts.offsetBytes);
  await assertFits(request, upload, facts);
  if (hasBody(ctx) || facts.newLengthBytes !== null) await receiveBody(request, upload, facts);
  const received = await deps.db.uploads.find(user.id, params.id);
  if (!received) throw notFound();
  if (received.state === 'complete') tellEngine(request, received);
  return { status: 204, headers: progressHeaders(received) };
}

/**
 * Refuses by what is announced, before any of it is read.
 *
 * @throws HttpProblem `too_large`, `empty_file`; QuotaExceededError
 */
async function assertFits(
  { ctx, deps, user }: RouteRequest,
  upload: Upload,
  { offsetBytes, newLengthBytes }: BodyFacts,
): Promise<void> {
  const { config, db } = deps;
  const lengthBytes = newLengthBytes ?? upload.lengthBytes ?? null;
  const endBytes = offsetBytes + (ctx.request.length ?? 0);
  if (lengthBytes === 0) throw new HttpProblem('empty_file');
  if (Math.max(endBytes, newLengthBytes ?? 0) > config.MAX_UPLOAD_BYTES)
    throw tooMuch({ lengthBytes: null }, config.MAX_UPLOAD_BYTES);
  if (lengthBytes !== null && endBytes > lengthBytes) throw tooMuch({ lengthBytes }, config.MAX_UPLOAD_BYTES);
  // What was announced at the beginning was given room then.
  if ((upload.lengthBytes ?? null) !== null) return;
  const moreBytes = Math.max(endBytes, newLengthBytes ?? 0) - offsetBytes;
  await db.transaction(({ uploads }) => uploads.assertRoom(user.id, moreBytes, quotaLimits(config)));
}
