/** The one list of workflows: what the worker bundles. */
export { checkAccount } from './checkAccount.ts';
export { deliverWebhook } from './deliverWebhook.ts';
export { editVideo } from './editVideo.ts';
export { housekeep } from './housekeep.ts';
export { pingWebhook } from './pingWebhook.ts';
export { processVideo } from './processVideo.ts';
export { receiveUpload } from './receiveUpload.ts';
export { reconcile } from './reconcile.ts';
export { removeVideo } from './removeVideo.ts';
export { renderAudio } from './renderAudio.ts';
export { renderPicture } from './renderPicture.ts';
export { sendNotices } from './sendNotices.ts';
export { writeCaption } from './writeCaption.ts';
