import type { Upload } from '../../db/entities/upload.ts';
import type { HttpProblem } from '../problem.ts';
import type { RouteRequest } from '../route.ts';

/** Not waited for: what does not get through is repeated by the reconciler. */
export function tellEngine({ deps, user, ctx }: RouteRequest, upload: Upload): void {
  if (!upload.video) return;
  void deps.flows.receiveUpload({
    uploadId: upload.id,
    videoId: upload.video.id,
    userId: user.id,
    requestId: ctx.state.requestId,
  });
}

/** Ends an upload whose first bytes are not those of a video: it can never become one. */
export async function refuseMedia(
  request: RouteRequest,
  upload: Upload,
  { code, message }: HttpProblem,
): Promise<void> {
  const { deps, user } = request;
  if (await deps.db.uploads.terminate(user.id, upload.id, { code, message })) tellEngine(request, upload);
}
