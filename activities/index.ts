import type { CaptionWriter } from '../src/captions/index.ts';
import type { Config } from '../src/config.ts';
import type { Db } from '../src/db/index.ts';
import type { Egress } from '../src/egress/index.ts';
import type { Engine, Flows } from '../src/flows.ts';
import type { Log } from '../src/log.ts';
import type { Media } from '../src/media/index.ts';
import type { Scratch } from '../src/media/scratch.ts';
import type { TelegramBot } from '../src/notifiers/telegram/index.ts';
import type { Publishers } from '../src/publishers/index.ts';
import type { Sealer } from '../src/secrets/sealing.ts';
import type { Storage } from '../src/storage/storage.ts';
import type { Transcriber } from '../src/transcriber/index.ts';
import { createAccountActivities } from './accounts.ts';
import { createAudioActivities } from './audio.ts';
import { createCaptionActivities } from './captions.ts';
import { createEditActivities } from './edits.ts';
import { createHousekeepingActivities } from './housekeeping.ts';
import { createMediaActivities } from './media.ts';
import type { NewsBell } from './newsBell.ts';
import { createNoticeActivities } from './notices.ts';
import { createOrphanActivities } from './orphans.ts';
import { createPictureActivities } from './pictures.ts';
import { createReconciliationActivities } from './reconciliation.ts';
import { createRecordActivities } from './records.ts';
import { createRenderingActivities } from './renderings.ts';
import { createSourceActivities } from './sources.ts';
import { createStorageActivities } from './storage.ts';
import { createTranscriptActivities } from './transcripts.ts';
import { createUploadActivities } from './uploads.ts';
import type { WebhookDelivery } from './webhookDelivery.ts';
import { createWebhookActivities } from './webhooks.ts';

/** What activities join. */
export interface ActivityDeps {
  config: Config;
  log: Log;
  db: Db;
  flows: Flows & Engine;
  media: Media;
  scratch: Scratch;
  storage: Storage;
  egress: Egress;
  publishers: Publishers;
  /** Opens what is kept sealed. */
  sealer: Sealer;
  webhookDelivery: WebhookDelivery;
  /** Rings in this process when there is news. */
  bell: NewsBell;
  /** Null where none is configured. */
  transcriber: Transcriber | null;
  /** Null where none is configured. */
  captionWriter: CaptionWriter | null;
  /** Null where none is configured. */
  telegramBot: TelegramBot | null;
}

/** The groups of activities; their names live in one flat space, which a test keeps unique. */
export const groupActivities = (deps: ActivityDeps) => ({
  media: createMediaActivities(deps),
  sources: createSourceActivities(deps),
  records: createRecordActivities(deps),
  edits: createEditActivities(deps),
  renderings: createRenderingActivities(deps),
  pictures: createPictureActivities(deps),
  captions: createCaptionActivities(deps),
  audio: createAudioActivities(deps),
  transcripts: createTranscriptActivities(deps),
  reconciliation: createReconciliationActivities(deps),
  storage: createStorageActivities(deps),
  uploads: createUploadActivities(deps),
  housekeeping: createHousekeepingActivities(deps),
  orphans: createOrphanActivities(deps),
  webhooks: createWebhookActivities(deps),
  notices: createNoticeActivities(deps),
  accounts: createAccountActivities(deps),
});

type Groups = ReturnType<typeof groupActivities>;

export type Activities = Groups['media'] &
  Groups['sources'] &
  Groups['records'] &
  Groups['edits'] &
  Groups['renderings'] &
  Groups['pictures'] &
  Groups['captions'] &
  Groups['audio'] &
  Groups['transcripts'] &
  Groups['reconciliation'] &
  Groups['storage'] &
  Groups['uploads'] &
  Groups['housekeeping'] &
  Groups['orphans'] &
  Groups['webhooks'] &
  Groups['notices'] &
  Groups['accounts'];
