import type { FeedPage } from '../../db/eventFeed.ts';
import { toEventView } from '../../views/events.ts';
import { type NumberedFrame, toFrame } from './frames.ts';

/** Gives the events of a page as they go over the wire, in their order. */
export const toFrames = ({ events }: FeedPage): NumberedFrame[] =>
  events.map((event) => toFrame(toEventView(event), event.videoId ?? null));
