import type { UserProgress } from '../../db/eventFeed.ts';
import { isChosen, PROGRESS_TYPES } from '../../domain/event.ts';
import { toProgressView } from '../../views/events.ts';
import type { Channel } from './channel.ts';
import { type Frame, toProgressFrame } from './frames.ts';

export const wantsProgress = (types: readonly string[]): boolean =>
  PROGRESS_TYPES.some((type) => isChosen(type, types));

/** Tells users how far things are, and remembers what they were told: only another percentage is news. */
export function createProgressTelling() {
  let told = new Map<string, string>();

  const tellUser = (channel: Channel, rows: readonly UserProgress[], now: Map<string, string>): void => {
    const changed = new Set<Frame>();
    const frames = rows.map((row) => {
      const frame = toProgressFrame(toProgressView(row));
      if (told.get(row.id) !== stateOf(row)) changed.add(frame);
      return frame;
    });
    const isTold = channel.tellProgress(frames, changed, rows[0]?.lastSequence ?? 0);
    for (const row of rows) {
      const known = isTold ? stateOf(row) : told.get(row.id);
      if (known) now.set(row.id, known);
    }
  };

  /** @param rows everything that is at work for the users of the channels */
  return (channels: ReadonlyMap<string, Channel>, rows: readonly UserProgress[]): void => {
    const now = new Map<string, string>();
    for (const [userId, own] of Map.groupBy(rows, (row) => row.userId)) {
      const channel = channels.get(userId);
      if (channel) tellUser(channel, own, now);
    }
    // What is not at work any more is forgotten with the old map.
    told = now;
  };
}

const stateOf = ({ attempt, percent }: UserProgress): string => `${attempt} ${percent}`;
