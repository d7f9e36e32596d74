import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Event } from '../../src/db/entities/event.ts';
import type { FeedFilter, FeedPage } from '../../src/db/eventFeed.ts';
import { EVENT_TYPES, isChosen } from '../../src/domain/event.ts';
import { Channel } from '../../src/http/events/channel.ts';
import { Outlet } from '../../src/http/events/outlet.ts';
import { EventStream } from '../../src/http/events/stream.ts';
import { createTurns } from '../../src/http/events/turns.ts';
import { numbers } from '../support/happenings.ts';
import { sample } from '../support/sample.ts';
import { type Random, seededRandom, waitFor } from '../support/stack.ts';

const VIDEOS = ['v1', 'v2', 'v3'];
const fail = (error: unknown): never => {
  throw error;
};

/** A user's events in memory, read as slowly as a database may answer: of the moment that was asked in, later. */
function makeFeed(random: Random) {
  const events: Event[] = [];
  const videos = [...VIDEOS];
  const others = EVENT_TYPES.filter((type) => type !== 'video.deleted');
  return {
    events,
    happen: (count: number) => {
      for (let left = count; left > 0; left -= 1) {
        const sequence = events.length + 1;
        const videoId = random.pick(videos);
        // Nothing happens to a video after that.
        const isEnd = videos.length > 1 && random.next() < 0.01;
        if (isEnd) videos.splice(videos.indexOf(videoId), 1);
        events.push({
          ...{ id: `e${sequence}`, sequence, objectType: 'video', objectId: 'o', createdAt: new Date(0) },
          ...{ type: isEnd ? 'video.deleted' : random.pick(others) },
          ...{ videoId, data: { text: 'x'.repeat(random.int(0, 6000)) } },
        } as unknown as Event);
      }
    },
    read: async (_userId: string, filter: FeedFilter): Promise<FeedPage> => {
      for (let turns = random.int(0, 3); turns > 0; turns -= 1) await nextTurn();
      const lastSequence = events.length;
      const wanted = events
        .slice(filter.afterSequence)
        .filter(
          ({ type, videoId }) => isChosen(type, filter.types) && [null, videoId].includes(filter.videoId),
        )
        .slice(0, filter.limit);
      for (let turns = random.int(0, 3); turns > 0; turns -= 1) await nextTurn();
      const lookedToSequence = wanted.length === filter.limit ? (wanted.at(-1)?.sequence ?? 0) : lastSequence;
      return { events: wanted, lastSequence, expiredSequence: 0, lookedToSequence };
    },
  };
}

/** Takes what is written at once, or whenever it likes. */
function makeReader(random: Random) {
  const slowness = random.pick([0, 0, 3, 20]);
  let text = '';
  const sink = new Writable({
    write: async (chunk, _encoding, done) => {
      text += chunk;
      for (let turns = random.int(0, slowness); turns > 0; turns -= 1) await nextTurn();
      done();
    },
  });
  const outlet = new Outlet(sink as unknown as ServerResponse);
  return { sink, outlet, ids: () => [...text.matchAll(/^id: (\d+)\nevent: /gm)].map(([, id]) => Number(id)) };
}

describe('the channel of a user', () => {
  it('tells everybody everything once and in order, to the end, whenever they come and however slowly they read', async () => {
    for (const round of sample('channel', numbers(1, 200), 8))
      await playRound(seededRandom(`channel ${round}`));
  });

  async function playRound(random: Random): Promise<void> {
    const feed = makeFeed(random);
    feed.happen(random.int(0, 80));
    const inTurn = createTurns(2);
    const channel = new Channel({
      userId: 'u',
      position: feed.events.length,
      read: feed.read,
      noteTrouble: fail,
    });
    const readers: { ids(): number[]; wanted(): number[]; end(): string | null; due(): string | null }[] = [];
    const join = () => {
      const after = random.pick([0, feed.events.length, random.int(0, feed.events.length)]);
      const filter = {
        types: random.pick([[], [], ['video.*'], ['step.*', 'edit.queued']]),
        videoId: random.pick([null, null, 'v1']),
      };
      const { sink, outlet, ids } = makeReader(random);
      const stream = new EventStream({
        ...{ userId: 'u', filter, after, outlet, inTurn, read: feed.read },
        ...{ join: (one) => channel.join(one), noteEnd: () => {}, noteTrouble: fail },
      });
      channel.streams.add(stream);
      sink.once('close', () => channel.leave(stream));
      stream.begin();
      const isWanted = ({ sequence, type, videoId }: Event) =>
        Number(sequence) > after &&
        isChosen(type, filter.types) &&
        (filter.videoId === null || videoId === filter.videoId);
      const isDeletion = ({ sequence, type, videoId }: Event) =>
        Number(sequence) > after && type === 'video.deleted' && videoId === filter.videoId;
      readers.push({
        ids,
        wanted: () => feed.events.filter(isWanted).map(({ sequence }) => Number(sequence)),
        end: () => stream.endedBy,
        due: () => (feed.events.some(isDeletion) ? 'deleted' : null),
      });
    };
    join();
    for (let moment = 0; moment < 60; moment += 1) {
      if (random.next() < 0.6) feed.happen(random.int(1, 12));
      // A notification may not come, and may come twice.
      if (random.next() < 0.6) channel.wake();
      if (random.next() < 0.2) join();
      for (let turns = random.int(0, 4); turns > 0; turns -= 1) await nextTurn();
    }
    channel.wake();
    await waitFor(
      () => readers.every(({ ids, wanted, end, due }) => ids().length >= wanted().length && end() === due()),
      { what: 'all events, and all ends', everyMs: 1 },
    );
    for (const { ids, wanted } of readers) assert.deepEqual(ids(), wanted());
  }
});
