import { fileURLToPath } from 'node:url';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig } from '@mikro-orm/postgresql';
import { Account } from './src/db/entities/account.ts';
import { AccountGroup } from './src/db/entities/accountGroup.ts';
import { Asset } from './src/db/entities/asset.ts';
import { Caption } from './src/db/entities/caption.ts';
import { Edit } from './src/db/entities/edit.ts';
import { Event } from './src/db/entities/event.ts';
import { Feed } from './src/db/entities/feed.ts';
import { IdempotencyKey } from './src/db/entities/idempotencyKey.ts';
import { Orphan } from './src/db/entities/orphan.ts';
import { Post } from './src/db/entities/post.ts';
import { RateLimit } from './src/db/entities/rateLimit.ts';
import { SearchDocument } from './src/db/entities/searchDocument.ts';
import { SearchRanking } from './src/db/entities/searchRanking.ts';
import { Share } from './src/db/entities/share.ts';
import { ShareSession } from './src/db/entities/shareSession.ts';
import { SpeechAnswer } from './src/db/entities/speechAnswer.ts';
import { SpeechClaim } from './src/db/entities/speechClaim.ts';
import { Step } from './src/db/entities/step.ts';
import { Target } from './src/db/entities/target.ts';
import { TelegramBot } from './src/db/entities/telegramBot.ts';
import { TelegramLink } from './src/db/entities/telegramLink.ts';
import { TelegramNotice } from './src/db/entities/telegramNotice.ts';
import { Token } from './src/db/entities/token.ts';
import { Transcript } from './src/db/entities/transcript.ts';
import { Upload } from './src/db/entities/upload.ts';
import { UploadSegment } from './src/db/entities/uploadSegment.ts';
import { User } from './src/db/entities/user.ts';
import { Video } from './src/db/entities/video.ts';
import { Webhook } from './src/db/entities/webhook.ts';
import { WebhookAttempt } from './src/db/entities/webhookAttempt.ts';
import { WebhookDelivery } from './src/db/entities/webhookDelivery.ts';
import { WebhookSecret } from './src/db/entities/webhookSecret.ts';

const migrations = fileURLToPath(new URL('./src/db/migrations', import.meta.url));

/** The ORM's settings; `src/db/orm.ts` adds the address and the size of the pool. */
export default defineConfig({
  entities: [
    User,
    Token,
    Video,
    Step,
    Asset,
    IdempotencyKey,
    RateLimit,
    Upload,
    UploadSegment,
    Orphan,
    Edit,
    Share,
    ShareSession,
    Transcript,
    SpeechAnswer,
    SpeechClaim,
    Caption,
    SearchDocument,
    SearchRanking,
    Feed,
    Event,
    Webhook,
    WebhookSecret,
    WebhookDelivery,
    WebhookAttempt,
    TelegramBot,
    TelegramNotice,
    TelegramLink,
    AccountGroup,
    Account,
    Post,
    Target,
  ],
  extensions: [Migrator],
  forceUtcTimezone: true,
  // The trigger that numbers events is written by hand: no definition of an entity says `deferred`.
  schemaGenerator: { ignoreTriggers: true },
  migrations: {
    path: migrations,
    pathTs: migrations,
    emit: 'ts',
    // Without a fixed name the snapshot would be called after each developer's database.
    snapshotName: 'schema',
    // The snapshot belongs to the source: it changes with a new migration, not whenever one is applied.
    snapshotOnMigrate: false,
    silent: true,
  },
});
