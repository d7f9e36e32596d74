import { z } from 'zod';
import { newId } from '../../db/ids.ts';
import type { Queries } from '../../db/index.ts';
import type { NewEntry } from '../../db/newVideo.ts';
import { sourceUrlPlace } from '../../domain/sealedPlaces.ts';
import { DEFAULT_STEPS } from '../../domain/video.ts';
import { createSealer } from '../../secrets/sealing.ts';
import { toVideoView } from '../../views/videos.ts';
import { checkAddress, MAX_URL_LENGTH } from '../addresses.ts';
import { createSignPath } from '../bytes/signedUrls.ts';
import { readJson } from '../jsonBody.ts';
import { invalidRequest } from '../problem.ts';
import type { Reply, RouteRequest } from '../route.ts';
import { quotaLimits } from './quotas.ts';
import { toVideoEntry } from './videoEntry.ts';
import {
  descriptionField,
  externalIdField,
  processField,
  tagsField,
  titleField,
  userLabelField,
} from './videoFields.ts';

export const jsonFields = z.strictObject({
  url: z
    .string()
    .max(MAX_URL_LENGTH)
    .optional()
    .meta({
      description:
        'Where the file is fetched from, by GET over http or https. Left out: the video waits for its bytes as a ' +
        'library entry. It is never shown again',
      examples: ['https://media.example.com/holiday.mp4?signature=…'],
    }),
  title: titleField.optional(),
  description: descriptionField.optional(),
  tags: tagsField.optional(),
  user_id: userLabelField.optional(),
  external_id: externalIdField.optional(),
  process: processField.optional(),
  filename: z.string().max(1000).optional().meta({ description: 'The name of the file; gives the title' }),
});

type JsonFields = z.output<typeof jsonFields>;

/**
 * Makes a video of what stands in a JSON body: one whose bytes are fetched from an address, or a library entry that
 * waits for them.
 *
 * @throws HttpProblem `invalid_request`, also for an address that is certainly not allowed; QuotaExceededError;
 *   ExternalIdTakenError
 */
export async function createFromJson(request: RouteRequest): Promise<Reply> {
  const { ctx, deps, user, idempotency } = request;
  const strays = Object.keys(ctx.query);
  if (strays.length > 0) {
    throw invalidRequest(strays.map((path) => ({ path, message: 'belongs into the body' })));
  }
  const fields = await readJson(ctx, jsonFields);
  const first = await idempotency.identify({ json: fields });
  if (first) return first;
  const { url } = fields;
  if (url === undefined) return createEntry(request, fields);
  const sourceUrl = checkAddress(url, deps.config.EGRESS_ALLOW_CIDRS);
  const { seal } = createSealer(deps.config.ENCRYPTION_KEYS);
  const sealSourceUrl = (videoId: string) => seal(sourceUrl, sourceUrlPlace(videoId));
  const reply = await idempotency.commit(async (queries) => {
    await assertSomeRoom(queries, request);
    const optionalSteps = fields.process ?? [...DEFAULT_STEPS];
    const entry = { ...toEntry(user.id, fields), sealSourceUrl, optionalSteps };
    return toReply(request, 202, await queries.videos.insertFetched(entry));
  });
  // Not waited for, as after an upload.
  void deps.flows.startProcessing({
    videoId: reply.objectId ?? '',
    userId: user.id,
    run: 1,
    requestId: ctx.state.requestId,
  });
  return reply;
}

/** Nothing is under way, so it is not 202: the entry is as complete as it gets by itself. */
function createEntry(request: RouteRequest, fields: JsonFields): Promise<Reply> {
  if (fields.process) {
    throw invalidRequest([
      { path: 'process', message: 'belongs to the bytes: send it with them, or with a url' },
    ]);
  }
  return request.idempotency.commit(async ({ videos }) =>
    toReply(request, 201, await videos.insertEntry(toEntry(request.user.id, fields))),
  );
}

/** How large the file is shows when it comes; who has no room at all may know that now. */
const assertSomeRoom = ({ uploads }: Queries, { deps, user }: RouteRequest): Promise<void> =>
  uploads.assertRoom(user.id, 1, quotaLimits(deps.config));

/** The name in the address is not taken for the file's: any part of an address may be what makes it secret. */
function toEntry(userId: string, fields: JsonFields): NewEntry {
  return {
    id: newId(),
    userId,
    ...toVideoEntry(fields, fields.filename),
  };
}

function toReply({ deps }: RouteRequest, status: number, video: Parameters<typeof toVideoView>[0]): Reply {
  return {
    status,
    headers: { Location: `${deps.config.PUBLIC_URL}/v1/videos/${video.id}` },
    body: toVideoView(video, createSignPath(deps.config)),
    storedBody: toVideoView(video, null),
    objectId: video.id,
  };
}
