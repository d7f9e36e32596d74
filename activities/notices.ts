import { Context } from '@temporalio/activity';
import type { Db } from '../src/db/index.ts';
import { BOT_ERRORS } from '../src/domain/telegram.ts';
import { VideoflowError } from '../src/errors.ts';
import type { TelegramBot } from '../src/notifiers/telegram/index.ts';
import type { SendNoticesInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { createHints, type ReadingEnd, readLinkCodes } from './linkCodes.ts';
import { endIfCancelled, withPulse } from './longWork.ts';
import { type SendingDeps, type SendingEnd, sendDue } from './noticeSending.ts';

/** A worker without the token, or with another bot's: they are configured apart, or it was changed. */
class NoTelegramBotError extends VideoflowError {
  readonly code = 'no_telegram_bot';
  override readonly retryClass = 'blocked';
}

/** Notices by Telegram. What is told, to whom and by which token stays here and in the rows. */
export function createNoticeActivities({
  db,
  telegramBot,
  bell,
  log: root,
}: Pick<ActivityDeps, 'db' | 'telegramBot' | 'bell' | 'log'>) {
  const hints = createHints();

  /** Works for a bot until it is done, or nobody wants it any more, or the worker is asked to stop. */
  async function speak<Result>({ bot }: SendNoticesInput, work: (deps: SendingDeps) => Promise<Result>) {
    if (telegramBot?.bot !== bot) throw new NoTelegramBotError('The worker has no token of this bot');
    const stopping = new AbortController();
    const end = bell.listen(bot, () => {
      if (bell.isStopped) stopping.abort();
    });
    if (bell.isStopped) stopping.abort();
    const signal = AbortSignal.any([Context.current().cancellationSignal, stopping.signal]);
    try {
      const log = root.child({ module: 'notices', bot });
      return await withPulse(() => work({ db, telegram: telegramBot, log, signal }));
    } finally {
      end();
    }
  }

  return {
    /** Sends what is due, until nothing is or the bot has to wait. */
    sendDueNotices: (input: SendNoticesInput): Promise<SendingEnd & { hasOpenLinks: boolean }> =>
      speak(input, async (deps) => {
        await introduce(db, deps.telegram, deps.signal).catch(() => endIfCancelled());
        const end = await sendDue(deps);
        return { ...end, hasOpenLinks: (await db.telegramLinks.openUntil(input.bot)) !== null };
      }),

    /** Reads what is written to the bot for some time, and links the chats that send a code. */
    takeLinkCodes: (input: SendNoticesInput): Promise<ReadingEnd> =>
      speak(input, (deps) =>
        readLinkCodes({ ...deps, hints }).catch((error: unknown) => {
          endIfCancelled();
          // The next worker reads on.
          if (deps.signal.aborted) return { pauseMs: 0, hasOpenLinks: true };
          throw error;
        }),
      ),
  };
}

/** Learns what people find the bot by, which the addresses of links need; what is not answered is asked the next time. */
async function introduce(db: Db, telegram: TelegramBot, signal: AbortSignal): Promise<void> {
  const { username, blockedUntil } = await db.telegramBots.ensure(telegram.bot);
  if (username || (blockedUntil?.getTime() ?? 0) > Date.now()) return;
  const answer = await telegram.askUsername(signal);
  if (answer.kind === 'ok') await db.telegramBots.noteUsername(telegram.bot, answer.result);
  if (answer.kind === 'wait') await db.telegramBots.block(telegram.bot, new Date(Date.now() + answer.waitMs));
  if (answer.kind === 'unauthorized') await db.telegramBots.noteError(telegram.bot, BOT_ERRORS.unauthorized);
}
