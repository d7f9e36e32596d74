import { isChosen } from '../../domain/event.ts';
import type { EventView, ProgressView } from '../../views/events.ts';

/** So long a reader waits before it comes back, each another time: the ends of a drain come all at once. */
const RETRY_MS = { least: 1000, most: 3000 };

/** What a stream tells of. */
export interface StreamFilter {
  /** As in `isChosen`; empty for all. */
  types: readonly string[];
  /** Only of this video; null for all. */
  videoId: string | null;
}

/** One event as it goes over the wire, made once for all streams that tell of it. */
export interface Frame {
  type: string;
  videoId: string | null;
  bytes: Buffer;
}

/** One with a number. */
export interface NumberedFrame extends Frame {
  sequence: number;
}

/** JSON has no line breaks of its own, so it is always one line of data. */
const toBytes = (head: string, view: { type: string }): Buffer =>
  Buffer.from(`${head}event: ${view.type}\ndata: ${JSON.stringify(view)}\n\n`);

export const toFrame = (view: EventView, videoId: string | null): NumberedFrame => ({
  sequence: view.sequence,
  type: view.type,
  videoId,
  bytes: toBytes(`id: ${view.sequence}\n`, view),
});

/** Without an id, so that a reader's last number stays what it was. */
export const toProgressFrame = (view: ProgressView): Frame => ({
  type: view.type,
  videoId: view.data.video_id,
  bytes: toBytes('', view),
});

/**
 * The first bytes: where the reader is, so that it goes on from there also when it is cut off before the first event. A block
 * without data sets the last id and is no event (HTML, 9.2.6).
 */
export function toOpening(sequence: number): string {
  const retryMs = Math.round(RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least));
  return `retry: ${retryMs}\nid: ${sequence}\n\n`;
}

/** Says that somebody is there and, where that has changed, up to which number there was nothing to tell. */
export const toHeartbeat = (sequence: number | null): string =>
  sequence === null ? ':\n\n' : `:\nid: ${sequence}\n\n`;

/** Says whether a stream tells of an event. */
export const isWanted = ({ type, videoId }: Frame, filter: StreamFilter): boolean =>
  (filter.videoId === null || filter.videoId === videoId) && isChosen(type, filter.types);

/** After this there is nothing to tell of a video. */
const END = 'video.deleted';

/** Says whether a stream of one video has nothing to tell any more after this. */
export const isTheEnd = ({ type, videoId }: Frame, filter: StreamFilter): boolean =>
  type === END && filter.videoId !== null && filter.videoId === videoId;

/** What has to be read for a stream: its end also when it does not tell of that. */
export const withEnd = ({ types, videoId }: StreamFilter): StreamFilter =>
  videoId === null || types.length === 0 ? { types, videoId } : { types: [...types, END], videoId };

/** Streams with the same key tell the same, and get the same bytes. */
export const filterKey = ({ types, videoId }: StreamFilter): string => `${videoId ?? ''} ${types.join()}`;
