/**
 * The pace that Telegram wants kept (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this):
 * a message a second in a chat, 20 a minute in a group, 30 a second in all. What is over it is answered with a wait for
 * the whole bot. Kept in memory: what another worker has sent is not known here, and costs such a wait at worst.
 * While such a wait lasts nothing is asked at all: what is asked nevertheless makes it longer.
 */
export interface Pace {
  /** When the chat may be written to again, in the clock's milliseconds; in the past when now. */
  freeAt(chat: string): number;
  /** When anybody may be. */
  anyFreeAt(): number;
  /** The chats that may not be now. */
  busyChats(): string[];
  /** Counts a message. */
  take(chat: string): void;
  /** How long the whole bot has to be silent from now on; 0 when it may speak. */
  silentMs(): number;
  /** Keeps that it has to be for so long. */
  silence(ms: number): void;
}

const CHAT_MS = 1000;
const GROUP_MS = 60_000;
const PER_GROUP = 20;
const ALL_MS = 1000;
const IN_ALL = 30;
/** Chats that were quiet for so long are forgotten, once there are many. */
const MANY_CHATS = 1000;

/** Groups and channels have negative ids, or names. */
const isGroup = (chat: string): boolean => chat.startsWith('-') || chat.startsWith('@');

export function createPace(now: () => number = Date.now): Pace {
  const byChat = new Map<string, number[]>();
  let all: number[] = [];
  let silentUntil = 0;
  const chatFreeAt = (chat: string): number => {
    const times = byChat.get(chat) ?? [];
    const last = times.at(-1);
    if (last === undefined) return 0;
    const first = isGroup(chat) && times.length >= PER_GROUP ? times.at(-PER_GROUP) : undefined;
    return Math.max(last + CHAT_MS, first === undefined ? 0 : first + GROUP_MS);
  };
  const forgetQuiet = () => {
    for (const [chat, times] of byChat) if ((times.at(-1) ?? 0) + GROUP_MS < now()) byChat.delete(chat);
  };
  return {
    freeAt: chatFreeAt,
    anyFreeAt: () => (all.length < IN_ALL ? 0 : (all.at(-IN_ALL) ?? 0) + ALL_MS),
    busyChats: () => [...byChat.keys()].filter((chat) => chatFreeAt(chat) > now()),
    take(chat) {
      const at = now();
      all = [...all, at].slice(-IN_ALL);
      byChat.set(chat, [...(byChat.get(chat) ?? []), at].slice(-PER_GROUP));
      if (byChat.size > MANY_CHATS) forgetQuiet();
    },
    silentMs: () => Math.max(0, silentUntil - now()),
    silence(ms) {
      silentUntil = Math.max(silentUntil, now() + ms);
    },
  };
}
