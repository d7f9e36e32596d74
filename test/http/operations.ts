import { randomInt } from 'node:crypto';
import type { CallOptions, TestApi, TestUser } from '../support/api.ts';
import { makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { uniqueName } from '../support/stack.ts';
import { makeForm, videoBytes } from '../support/uploading.ts';
import { addDelivery, HOOK_URL } from '../support/webhooks.ts';

/** The parameters of a path by name. */
export type PathIds = Record<string, string>;

/** How the tenant matrix tries one operation of the API. */
export interface OperationPlan {
  /** What the owner with the right scope is answered; shows that the rest of the plan is right. */
  status: number;
  /** Makes what the operation is about, for a user, and gives the parameters of its path. */
  make?: (api: TestApi, owner: TestUser) => Promise<PathIds>;
  /** What is sent beside the path. */
  request?: () => CallOptions;
  /** Administrators may do it with anybody's object, so only others are strangers. */
  isForAdmins?: true;
}

/** Anybody may call it, so no token can be missing; why that is right. */
export interface PublicPlan {
  publicBecause: string;
}

const PASSWORD = 'correct horse battery';
const bytes = videoBytes(4096, 'matrix');

const ready = async (api: TestApi, owner: TestUser): Promise<PathIds> => ({
  id: await makeReady(api, owner, { bytes }),
});
const transcribed = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  const { id = '' } = await ready(api, owner);
  const segments = [{ startSec: 0, endSec: 2, text: 'Hello.' }];
  await api.db.transcripts.add({ videoId: id, kind: 'machine', language: 'en', model: 'm', segments });
  return { id };
};
const pending = async (api: TestApi, owner: TestUser): Promise<PathIds> => ({
  id: await upload(api, owner, bytes),
});
const failed = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  const { id = '' } = await pending(api, owner);
  await playWorker(api, id).fail('source', 'corrupt_media');
  return { id, name: 'source' };
};
const queuedEdit = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  const { id = '' } = await pending(api, owner);
  const answer = await api.call(`/v1/videos/${id}/trim`, {
    token: owner.token,
    json: { start_time: 0, end_time: 1 },
  });
  return { id: answer.body.id };
};
const failedEdit = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  const { id = '' } = await queuedEdit(api, owner);
  const error = { code: 'media_tool_failed', message: 'It failed', retryable: true };
  await api.db.editRecords.fail({ editId: id, run: 1 }, error);
  return { id };
};
const anotherUser = async (api: TestApi): Promise<PathIds> => ({ id: (await api.makeUser()).id });
const token = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  await api.makeToken(owner.id);
  const [row] = await api.db.tokens.list(owner.id, { limit: 1 });
  return { id: row?.id ?? '' };
};

const housekeeping = async (api: TestApi, { token }: TestUser): Promise<PathIds> => {
  const answer = await api.call('/v1/admin/housekeeping?dry_run=true', { method: 'POST', token });
  return { id: answer.body.id };
};

const share = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  const { id } = await pending(api, owner);
  const path = `/v1/videos/${id}/shares`;
  const { body } = await api.call(path, { token: owner.token, json: { expires_in: 60 } });
  return { id: body.id };
};
const caption = async (api: TestApi, { id: userId }: TestUser): Promise<PathIds> => {
  const asked = { userId, videoId: null, prompt: 'a', platform: null, wantedModel: null };
  return { id: await api.db.captions.insert(asked) };
};
const webhook = async (api: TestApi, { token }: TestUser): Promise<PathIds> => {
  const { body } = await api.call('/v1/webhooks', { token, json: { url: HOOK_URL } });
  return { id: body.id };
};
/** A delivery as it is once it has gone through. */
const delivery = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  const { id = '' } = await webhook(api, owner);
  return { id, delivery_id: await addDelivery(api, { userId: owner.id, webhookId: id }) };
};
const telegramLink = async (api: TestApi, { id: userId }: TestUser): Promise<PathIds> => {
  const [code, chat] = [uniqueName('code'), `-${randomInt(1e12, 1e13)}`];
  const expiresAt = new Date(Date.now() + 60_000);
  await api.db.telegramLinks.insert({ userId, bot: '1', code, expiresAt });
  await api.db.telegramLinks.take('1', code, chat);
  return { id: chat };
};
const account = async (api: TestApi, { token }: TestUser): Promise<PathIds> => {
  const { body } = await api.call('/v1/accounts', { token, json: newAccount() });
  return { id: body.id };
};
const group = async (api: TestApi, { token }: TestUser): Promise<PathIds> => {
  const { body } = await api.call('/v1/groups', { token, json: { name: uniqueName('group') } });
  return { id: body.id };
};
const post = async (api: TestApi, owner: TestUser): Promise<PathIds> => {
  const [{ id: video_id }, { id: account_id }] = [await pending(api, owner), await account(api, owner)];
  const json = { video_id, account_id, title: 'A', scheduled_at: new Date(Date.now() + 3_600_000) };
  const { body } = await api.call('/v1/posts', { token: owner.token, json });
  return { id: body.id };
};
const newAccount = () => ({ username: uniqueName('account'), provider: 'test', platforms: ['tiktok'] });
const BY_HANDLE = 'the handle in the address is the right to it';

const TUS = { 'tus-resumable': '1.0.0' };
const openUpload = async (api: TestApi, { token }: TestUser): Promise<PathIds> => {
  const headers = { ...TUS, 'upload-length': '10' };
  const { body } = await api.call('/v1/uploads', { method: 'POST', token, headers });
  return { id: body.id };
};
const patchNothing = (): CallOptions => ({
  headers: { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
});

const onlyChunk = (): CallOptions => ({
  body: makeForm([
    ['chunk_number', '1'],
    ['total_chunks', '1'],
    ['file_id', uniqueName('file')],
    ['file_name', 'a.mp4'],
    ['chunk', bytes, 'a.mp4'],
  ]),
});
const rename = (): CallOptions => ({ json: { title: 'renamed' } });

/**
 * Every operation of the API, by its id. A new one must be listed here before the tenant matrix lets it
 * pass: that is the moment to think about who may call it.
 */
export const OPERATIONS: Readonly<Record<string, OperationPlan | PublicPlan>> = {
  createToken: { publicBecause: 'it is how one gets a token' },
  listTokens: { status: 200, make: token },
  revokeToken: { status: 204, make: token, isForAdmins: true },
  getMe: { status: 200 },
  // No bot is configured: see telegram.test.ts.
  createTelegramLink: { status: 409, request: () => ({ method: 'POST' }) },
  getTelegramLink: { status: 200, make: telegramLink },
  unlinkTelegram: { status: 204 },
  changeMe: { status: 200, request: () => ({ json: { name: 'Ada' } }) },

  createUser: { status: 201, request: () => ({ json: { username: uniqueName('u'), password: PASSWORD } }) },
  listUsers: { status: 200 },
  getUser: { status: 200, make: anotherUser },
  changeUser: { status: 200, make: anotherUser, request: () => ({ json: { name: 'x' } }) },
  deleteUser: { status: 204, make: anotherUser },

  uploadVideo: { status: 202, request: () => ({ body: makeForm([['file', bytes, 'a.mp4']]) }) },
  uploadChunk: { status: 202, request: onlyChunk },
  listVideos: { status: 200, make: pending },
  getVideo: { status: 200, make: pending },
  changeVideo: { status: 200, make: pending, request: rename },
  deleteVideo: { status: 202, make: pending },
  getVideoStatus: { status: 200, make: pending },
  listSteps: { status: 200, make: pending },
  retryStep: { status: 202, make: failed },
  retryVideo: { status: 202, make: failed },
  cancelVideo: { status: 202, make: pending },
  // No transcriber is configured: see transcriptRequests.test.ts.
  requestTranscript: { status: 409, make: ready },
  trimVideo: { status: 202, make: pending, request: () => ({ json: { start_time: 1, end_time: 2 } }) },
  // The ids of the videos stand in its body: see edits.test.ts.
  mergeVideos: { status: 422, request: () => ({ json: {} }) },
  listEdits: { status: 200, make: queuedEdit },
  getEdit: { status: 200, make: queuedEdit },
  cancelEdit: { status: 202, make: queuedEdit },
  retryEdit: { status: 202, make: failedEdit },
  getTranscript: { status: 200, make: transcribed },
  getTranscriptAsWebVtt: { status: 200, make: transcribed },
  getTranscriptAsSubRip: { status: 200, make: transcribed },
  getTranscriptAsText: { status: 200, make: transcribed },
  editTranscript: { status: 200, make: ready, request: () => ({ json: { text: 'Hello.' } }) },
  streamVideo: { status: 200, make: ready },
  downloadVideo: { status: 200, make: ready },
  getThumbnail: { status: 200, make: ready },
  // It is made by a worker, and there is none.
  getWebpThumbnail: { status: 202, make: ready },
  // Made by a worker as well.
  getSoundAsAac: { status: 202, make: ready },
  getSoundAsMpeg: { status: 202, make: ready },
  getSoundAsWav: { status: 202, make: ready },
  getStoryboardSheet: { status: 200, make: ready },
  getStoryboardIndex: { status: 200, make: ready },

  listPlatforms: { status: 200 },

  // No language model is configured: see captions.test.ts.
  writeCaption: { status: 409, request: () => ({ json: { prompt: 'a' } }) },
  getCaption: { status: 200, make: caption },

  createShare: { status: 201, make: pending, request: () => ({ json: { expires_in: 60 } }) },
  listShares: { status: 200, make: pending },
  revokeShare: { status: 204, make: share },
  getSharePage: { publicBecause: BY_HANDLE },
  getShareSession: { publicBecause: BY_HANDLE },
  streamShare: { publicBecause: BY_HANDLE },
  downloadShare: { publicBecause: BY_HANDLE },
  getShareFile: { publicBecause: BY_HANDLE },
  getSharePoster: { publicBecause: BY_HANDLE },
  getShareCaptions: { publicBecause: BY_HANDLE },
  getShareStoryboardSheet: { publicBecause: BY_HANDLE },
  getShareStoryboardIndex: { publicBecause: BY_HANDLE },

  createAccount: { status: 201, request: () => ({ json: newAccount() }) },
  listAccounts: { status: 200, make: account },
  getAccount: { status: 200, make: account },
  replaceAccount: { status: 200, make: account, request: () => ({ json: newAccount() }) },
  changeAccount: { status: 200, make: account, request: () => ({ json: { is_ai: true } }) },
  deleteAccount: { status: 204, make: account },
  listSlots: { status: 200, make: account },
  createGroup: { status: 201, request: () => ({ json: { name: uniqueName('group') } }) },
  listGroups: { status: 200, make: group },
  getGroup: { status: 200, make: group },
  changeGroup: { status: 200, make: group, request: () => ({ json: { name: uniqueName('group') } }) },
  deleteGroup: { status: 204, make: group },

  // The ids of videos and accounts stand in their bodies: see posts.test.ts.
  createPost: { status: 422, request: () => ({ json: {} }) },
  previewPost: { status: 422, request: () => ({ json: {} }) },
  listPosts: { status: 200, make: post },
  getPost: { status: 200, make: post },
  listPostTargets: { status: 200, make: post },
  changePost: { status: 200, make: post, request: rename },
  cancelPost: { status: 200, make: post },

  createWebhook: { status: 201, request: () => ({ json: { url: HOOK_URL } }) },
  listWebhooks: { status: 200, make: webhook },
  getWebhook: { status: 200, make: webhook },
  changeWebhook: { status: 200, make: webhook, request: () => ({ json: { enabled: false } }) },
  deleteWebhook: { status: 204, make: webhook },
  rotateWebhookSecret: { status: 201, make: webhook, request: () => ({ json: {} }) },
  listWebhookDeliveries: { status: 200, make: delivery },
  getWebhookDelivery: { status: 200, make: delivery },
  resendWebhookDelivery: { status: 202, make: delivery },
  // A worker sends it, and there is none.
  pingWebhook: { status: 202, make: webhook },

  listEvents: { status: 200, make: pending },
  streamVideoEvents: { status: 200, make: pending },

  startHousekeeping: { status: 200 },
  getHousekeeping: { status: 200, make: housekeeping },

  createUpload: {
    status: 201,
    request: () => ({ method: 'POST', headers: { ...TUS, 'upload-length': '10' } }),
  },
  listUploads: { status: 200, make: openUpload },
  getUpload: { status: 200, make: openUpload },
  appendToUpload: { status: 204, make: openUpload, request: patchNothing },
  terminateUpload: { status: 204, make: openUpload, request: () => ({ headers: TUS }) },

  getStatus: { publicBecause: 'it says nothing but that the service is there' },
  getLive: { publicBecause: 'whoever restarts processes has no token' },
  getReady: { publicBecause: 'load balancers have no token' },
  getSystemHealth: { publicBecause: 'operators and scripts ask it before there is a user' },
  getOpenapi: { publicBecause: 'it is the documentation' },
};
