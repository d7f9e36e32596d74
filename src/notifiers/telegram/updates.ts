import { z } from 'zod';

/** What somebody wrote to the bot, or posted in a channel that it is in. */
export interface BotMessage {
  chat: string;
  text: string;
  sentAt: Date;
}

export interface BotUpdate {
  /** Telegram's number; confirmed by asking for those after it. */
  id: number;
  /** Null for everything that is not a text. */
  message: BotMessage | null;
}

const messageShape = z.object({
  chat: z.object({ id: z.int() }),
  date: z.int(),
  text: z.string().optional(),
});

const updateShape = z.object({
  update_id: z.int(),
  message: messageShape.optional().catch(undefined),
  channel_post: messageShape.optional().catch(undefined),
});

/** The kinds of updates that are asked for. */
export const UPDATE_KINDS = ['message', 'channel_post'] as const;

export const updatesShape: z.ZodType<BotUpdate[]> = z.array(
  updateShape.transform(({ update_id, message, channel_post }): BotUpdate => {
    const { chat, date, text } = message ?? channel_post ?? {};
    if (chat === undefined || date === undefined || text === undefined)
      return { id: update_id, message: null };
    return { id: update_id, message: { chat: String(chat.id), text, sentAt: new Date(date * 1000) } };
  }),
);
