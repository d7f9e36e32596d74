import { accountRoutes } from './accounts/routes.ts';
import { slotRoutes } from './accounts/slots.ts';
import { adminRoutes } from './admin.ts';
import { audioRoutes } from './audio.ts';
import { captionRoutes } from './captions.ts';
import { editRoutes } from './edits.ts';
import { eventRoutes } from './events/routes.ts';
import { groupRoutes } from './groups.ts';
import { healthRoutes } from './health.ts';
import { meRoutes } from './me.ts';
import { pictureRoutes } from './pictures.ts';
import { platformRoutes } from './platforms.ts';
import { postRoutes } from './posts/routes.ts';
import type { Route } from './route.ts';
import { sharedFileRoutes } from './shares/files.ts';
import { playerAssetRoutes } from './shares/player/assets.ts';
import { shareRoutes } from './shares/routes.ts';
import { viewingRoutes } from './shares/viewing.ts';
import { telegramRoutes } from './telegram.ts';
import { tokenRoutes } from './tokens.ts';
import { transcriptEditRoutes } from './transcripts/edit.ts';
import { transcriptFileRoutes } from './transcripts/files.ts';
import { transcriptRequestRoutes } from './transcripts/request.ts';
import { chunkRoutes } from './uploads/chunks.ts';
import { uploadRoutes } from './uploads/routes.ts';
import { tusRoutes } from './uploads/tusRoutes.ts';
import { userRoutes } from './users.ts';
import { videoFileRoutes } from './videoFiles.ts';
import { videoIntentRoutes } from './videoIntents.ts';
import { videoRoutes } from './videos.ts';
import { webhookDeliveryRoutes } from './webhooks/deliveries.ts';
import { webhookPingRoutes } from './webhooks/ping.ts';
import { webhookRoutes } from './webhooks/routes.ts';
import { webhookSecretRoutes } from './webhooks/secrets.ts';

/** Every route of the API, in the order of the documentation. */
export const routes: readonly Route[] = [
  ...tokenRoutes,
  ...meRoutes,
  ...telegramRoutes,
  ...userRoutes,
  ...uploadRoutes,
  ...chunkRoutes,
  ...tusRoutes,
  ...editRoutes,
  ...videoRoutes,
  ...videoIntentRoutes,
  ...transcriptRequestRoutes,
  ...transcriptFileRoutes,
  ...transcriptEditRoutes,
  ...videoFileRoutes,
  ...pictureRoutes,
  ...audioRoutes,
  ...captionRoutes,
  ...shareRoutes,
  ...viewingRoutes,
  ...sharedFileRoutes,
  ...playerAssetRoutes,
  ...accountRoutes,
  ...slotRoutes,
  ...groupRoutes,
  ...postRoutes,
  ...platformRoutes,
  ...webhookRoutes,
  ...webhookSecretRoutes,
  ...webhookDeliveryRoutes,
  ...webhookPingRoutes,
  ...eventRoutes,
  ...adminRoutes,
  ...healthRoutes,
];
