import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { AccountCheckQueries } from './accountChecks.ts';
import { AccountQueries } from './accounts.ts';
import { CaptionQueries } from './captions.ts';
import { EditReconciliationQueries } from './editReconciliation.ts';
import { EditRecordQueries } from './editRecords.ts';
import { EditQueries } from './edits.ts';
import { EventFeedQueries } from './eventFeed.ts';
import { EventRetentionQueries } from './eventRetention.ts';
import { GroupQueries } from './groups.ts';
import { HealthQueries } from './health.ts';
import { HousekeepingQueries } from './housekeeping.ts';
import { IdempotencyQueries } from './idempotency.ts';
import { type HearEvents, type Listener, openListener } from './listener.ts';
import { assertSchema } from './migrate.ts';
import { type DatabaseOptions, openOrm } from './orm.ts';
import { PictureQueries } from './pictures.ts';
import { PlaybackStepQueries } from './playbackSteps.ts';
import { PostPreviewQueries } from './postPreviews.ts';
import { PostQueries } from './posts.ts';
import { createRateLimits, type RateLimits } from './rateLimits.ts';
import { ReconciliationQueries } from './reconciliation.ts';
import { SearchQueries } from './search.ts';
import { ShareQueries } from './shares.ts';
import { SlotQueries } from './slots.ts';
import { SoundQueries } from './sounds.ts';
import { SpeechAnswerQueries } from './speechAnswers.ts';
import { SpeechClaimQueries } from './speechClaims.ts';
import { StepHandBackQueries } from './stepHandBack.ts';
import { StepQueries } from './steps.ts';
import { TelegramBotQueries } from './telegramBots.ts';
import { TelegramChatQueries } from './telegramChats.ts';
import { TelegramLinkQueries } from './telegramLinks.ts';
import { TelegramNoticeQueries } from './telegramNotices.ts';
import { TokenQueries } from './tokens.ts';
import { TranscriptOriginQueries } from './transcriptOrigins.ts';
import { TranscriptRequestQueries } from './transcriptRequests.ts';
import { TranscriptStepQueries } from './transcriptSteps.ts';
import { TranscriptQueries } from './transcripts.ts';
import { UnindexedVideoQueries } from './unindexedVideos.ts';
import { UntoldUploadQueries } from './untoldUploads.ts';
import { UploadChunkQueries } from './uploadChunks.ts';
import { UploadHandoverQueries } from './uploadHandover.ts';
import { UploadLeaseQueries } from './uploadLeases.ts';
import { UploadQueries } from './uploads.ts';
import { UserQueries } from './users.ts';
import { VideoQueries } from './videos.ts';
import { WebhookDeliveryQueries } from './webhookDeliveries.ts';
import { WebhookNewsQueries } from './webhookNews.ts';
import { WebhookRecordQueries } from './webhookRecords.ts';
import { WebhookQueries } from './webhooks.ts';

const nouns = {
  videos: VideoQueries,
  search: SearchQueries,
  unindexedVideos: UnindexedVideoQueries,
  uploads: UploadQueries,
  uploadChunks: UploadChunkQueries,
  uploadLeases: UploadLeaseQueries,
  uploadHandover: UploadHandoverQueries,
  untoldUploads: UntoldUploadQueries,
  shares: ShareQueries,
  pictures: PictureQueries,
  sounds: SoundQueries,
  steps: StepQueries,
  playbackSteps: PlaybackStepQueries,
  stepHandBack: StepHandBackQueries,
  transcripts: TranscriptQueries,
  transcriptSteps: TranscriptStepQueries,
  transcriptRequests: TranscriptRequestQueries,
  transcriptOrigins: TranscriptOriginQueries,
  speechAnswers: SpeechAnswerQueries,
  speechClaims: SpeechClaimQueries,
  reconciliation: ReconciliationQueries,
  accountChecks: AccountCheckQueries,
  captions: CaptionQueries,
  webhooks: WebhookQueries,
  webhookDeliveries: WebhookDeliveryQueries,
  webhookRecords: WebhookRecordQueries,
  webhookNews: WebhookNewsQueries,
  accounts: AccountQueries,
  groups: GroupQueries,
  slots: SlotQueries,
  edits: EditQueries,
  editRecords: EditRecordQueries,
  editReconciliation: EditReconciliationQueries,
  events: EventFeedQueries,
  eventRetention: EventRetentionQueries,
  telegramBots: TelegramBotQueries,
  telegramChats: TelegramChatQueries,
  telegramLinks: TelegramLinkQueries,
  telegramNotices: TelegramNoticeQueries,
  users: UserQueries,
  tokens: TokenQueries,
  idempotency: IdempotencyQueries,
  health: HealthQueries,
  housekeeping: HousekeepingQueries,
  posts: PostQueries,
  postPreviews: PostPreviewQueries,
};

/** The questions and writes of every noun, bound to one entity manager. */
export type Queries = { readonly [Noun in keyof typeof nouns]: InstanceType<(typeof nouns)[Noun]> };

export interface Db extends Queries {
  /** Runs the work in one transaction; the nouns given to it see and write inside it. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** Counters that all processes share. */
  readonly rateLimits: RateLimits;
  /**
   * Hears of every user's new events as soon as they are committed, on a connection of its own that it gets again by itself;
   * null says that it had lost it, and anything may have happened. A hint, for speed: what it says nothing of is found by its number.
   */
  listenForEvents(hear: HearEvents): Promise<Listener>;
  close(): Promise<void>;
}

const bind = (em: EntityManager): Queries =>
  Object.fromEntries(
    Object.entries(nouns).map(([noun, Queries]) => [noun, new Queries(em)]),
  ) as unknown as Queries;

/**
 * Opens the database and refuses a schema that is not this program's. The nouns outside of
 * `transaction` work on a fresh entity manager at every use, so that no identity map outlives a call.
 *
 * @throws SchemaMismatchError
 */
export async function createDb(options: DatabaseOptions): Promise<Db> {
  const orm = await openOrm(options);
  try {
    await assertSchema(orm);
  } catch (error) {
    await orm.close();
    throw error;
  }
  return bindToOrm(orm, options.databaseUrl);
}

function bindToOrm(orm: MikroORM, databaseUrl: string): Db {
  const rateLimits = createRateLimits(databaseUrl);
  const db = {
    transaction: <T>(work: (queries: Queries) => Promise<T>) =>
      orm.em.fork().transactional((em) => work(bind(em))),
    ping: async () => {
      await orm.em.fork().execute('select 1');
    },
    rateLimits,
    listenForEvents: (hear: HearEvents) => openListener({ databaseUrl, hear }),
    close: async () => {
      await Promise.all([orm.close(), rateLimits.close()]);
    },
  };
  for (const [noun, Queries] of Object.entries(nouns)) {
    Object.defineProperty(db, noun, { get: () => new Queries(orm.em.fork()), enumerable: true });
  }
  return db as Db;
}
