/** The public number of a bot, which stands in front of its token; null without a token. */
export const botOf = (token: string | undefined): string | null => token?.split(':', 1)[0] ?? null;

/** How long somebody has to send the code of a link to the bot. */
export const LINK_SEC = 600;

/** Why a bot cannot speak, or not be spoken to. */
export const BOT_ERRORS = {
  conflict: 'telegram_conflict',
  unauthorized: 'telegram_unauthorized',
  unavailable: 'telegram_unavailable',
} as const;
export type BotError = (typeof BOT_ERRORS)[keyof typeof BOT_ERRORS];

/** How a link stands. */
export const LINK_STATES = ['open', 'linked', 'expired'] as const;
export type LinkState = (typeof LINK_STATES)[number];

/**
 * Reads the code out of what somebody wrote to the bot: `/start <code>`, in groups also `/start@<bot> <code>`
 * (https://core.telegram.org/bots/features#deep-linking).
 *
 * @returns null for everything else
 */
export const readLinkCode = (text: string): string | null =>
  /^\/start(?:@\w+)?\s+([\w-]{16,64})\s*$/.exec(text)?.[1] ?? null;
