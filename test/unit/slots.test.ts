import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WEEKDAYS } from '../../src/domain/account.ts';
import { PLATFORMS } from '../../src/domain/platform.ts';
import { findSlots, MAX_SKIPPED, type SlotQuestion, type TakenTime } from '../../src/domain/slots.ts';
import { createZoneCalendar } from '../../src/timeZones.ts';
import { assertSameList } from '../support/sameList.ts';
import { findSlotsSimply, isSlotTime, isTooMany, offsetMs } from '../support/slotModel.ts';
import { seed } from '../support/stack.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A little before clocks change, and of zones where they never do. */
const PLACES: [zone: string, around: string][] = [
  ['Europe/Berlin', '2027-03-28T01:00Z'],
  ['Europe/Berlin', '2027-10-31T01:00Z'],
  ['America/New_York', '2027-03-14T07:00Z'],
  ['America/St_Johns', '2026-11-01T04:30Z'],
  ['Australia/Lord_Howe', '2027-04-03T15:00Z'],
  ['Australia/Lord_Howe', '2027-10-02T15:30Z'],
  ['Africa/Cairo', '2027-04-29T22:00Z'],
  ['America/Santiago', '2027-09-05T04:00Z'],
  ['Antarctica/Troll', '2027-03-28T01:00Z'],
  ['Pacific/Chatham', '2027-04-03T14:00Z'],
  ['Asia/Kathmandu', '2027-06-01T00:00Z'],
  ['UTC', '2026-12-31T12:00Z'],
];

const platforms = fc.subarray(PLATFORMS.slice(0, 3), { minLength: 1 });

const grid = fc.record({
  startMinute: fc.oneof(fc.integer({ min: 0, max: 1439 }), fc.constantFrom(0, 90, 120, 150, 540)),
  endMinute: fc.oneof(fc.integer({ min: 0, max: 1439 }), fc.constantFrom(0, 180, 330, 1260, 1439)),
  intervalMinutes: fc.constantFrom(1, 7, 15, 30, 45, 60, 90, 180, 720, 1440, 3000),
  days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
});

interface Case {
  zone: string;
  question: SlotQuestion;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    place: fc.constantFrom(...PLACES),
    beforeMs: fc.integer({ min: -DAY_MS, max: 4 * DAY_MS }),
    grid,
    platforms,
    taken: fc.uniqueArray(
      fc.record({
        // On whole minutes as those from slots, or at any time as those that were posted.
        afterMs: fc.oneof(
          fc.integer({ min: -2 * 1440, max: 6 * 1440 }).map((minutes) => minutes * MINUTE_MS),
          fc.integer({ min: -2 * DAY_MS, max: 6 * DAY_MS }),
        ),
        platforms,
      }),
      { maxLength: 14, selector: ({ afterMs }) => afterMs },
    ),
    caps: fc.array(
      fc.record({
        platform: fc.constantFrom(...PLATFORMS.slice(0, 3)),
        max: fc.integer({ min: 1, max: 4 }),
        windowSec: fc.constantFrom(900, 3600, 6 * 3600, 86_400, 2 * 86_400),
      }),
      { maxLength: 3 },
    ),
    leadSec: fc.constantFrom(0, 300, 7200),
    horizonDays: fc.integer({ min: 1, max: 6 }),
    count: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ place: [zone, around], beforeMs, taken, ...question }) => {
    const nowMs = Date.parse(around) - beforeMs;
    return {
      zone,
      question: {
        ...question,
        nowMs,
        calendar: createZoneCalendar(zone),
        taken: taken.map((post, at) => ({
          postId: `post ${at}`,
          platforms: post.platforms,
          atMs: Math.floor(nowMs / MINUTE_MS) * MINUTE_MS + post.afterMs,
        })),
      },
    };
  });

const isCampaign = Boolean(process.env.CAMPAIGN);

const hold = (check: (one: Case) => void): void =>
  fc.assert(fc.property(cases, check), {
    seed: seed(),
    numRuns: isCampaign ? 5000 : 100,
    // What fails is made smaller, for so long at most.
    interruptAfterTimeLimit: isCampaign ? 50_000 : 20_000,
  });

const timesOf = (question: SlotQuestion): number[] => findSlots(question).slots.map(({ atMs }) => atMs);
const take = (question: SlotQuestion, atMs: number): TakenTime => ({
  ...{ atMs, postId: `at ${atMs}`, platforms: question.platforms },
});

describe('slots', () => {
  it('are those that looking at every minute finds, and what is skipped is skipped for the same reasons', () => {
    hold(({ zone, question }) => {
      const { slots, skipped, skippedCount } = findSlots(question);
      const simply = findSlotsSimply(question, zone);
      const times = slots.map(({ atMs }) => atMs);
      assertSameList(times, simply.slots, 'slots');
      assert.equal(skippedCount, simply.skipped.length);
      const why = skipped.map(({ movedFrom: _, ...said }) => said);
      assertSameList(why, simply.skipped.slice(0, MAX_SKIPPED), 'skipped');
    });
  });

  it('are the interval away from every post and from each other, in time that passes', () => {
    hold(({ question }) => {
      const slots = timesOf(question);
      const all = [...question.taken.map(({ atMs }) => atMs), ...slots];
      for (const slotMs of slots)
        for (const otherMs of all)
          assert.ok(
            slotMs === otherMs
              ? all.filter((atMs) => atMs === slotMs).length === 1
              : Math.abs(slotMs - otherMs) >= question.grid.intervalMinutes * MINUTE_MS,
          );
    });
  });

  it('are on the grid of the wall clock, far enough ahead and not too far, in their order', () => {
    hold(({ zone, question }) => {
      const { nowMs, leadSec, horizonDays, count } = question;
      const slots = timesOf(question);
      assert.ok(slots.length <= count);
      assert.deepEqual(
        slots.toSorted((a, b) => a - b),
        slots,
      );
      for (const slotMs of slots) {
        assert.ok(isSlotTime(question.grid, zone, slotMs));
        assert.ok(slotMs >= nowMs + leadSec * 1000);
        assert.ok(slotMs <= nowMs + horizonDays * DAY_MS);
      }
    });
  });

  it('were moved only from times that clocks skip', () => {
    hold(({ zone, question }) => {
      for (const { atMs, movedFrom } of findSlots(question).slots) {
        if (!movedFrom) continue;
        const wallMs = movedFrom.day * DAY_MS + movedFrom.minute * MINUTE_MS;
        const gapMs = atMs + offsetMs(zone, atMs) - wallMs;
        assert.ok(gapMs > 0);
        // Neither the clocks before nor those after it ever show it.
        for (const offset of [offsetMs(zone, atMs - DAY_MS), offsetMs(zone, atMs + DAY_MS)])
          assert.notEqual(offsetMs(zone, wallMs - offset), offset);
      }
    });
  });

  it('keep every platform below its cap in every window that moves', () => {
    hold(({ question }) => {
      const { taken, caps } = question;
      const all = [...taken, ...timesOf(question).map((atMs) => take(question, atMs))];
      for (const slot of all.slice(taken.length))
        for (const cap of caps.filter(({ platform }) => slot.platforms.includes(platform)))
          assert.ok(
            !isTooMany(
              all.filter((post) => post !== slot),
              slot.atMs,
              cap,
            ),
          );
    });
  });

  it('are the same when they are asked for again, and do not depend on the order of what is taken', () => {
    hold(({ question }) => {
      const first = findSlots(question);
      const again = findSlots({ ...question, taken: question.taken.toReversed() });
      assert.equal(JSON.stringify(again), JSON.stringify(first));
    });
  });

  it('are the ones that posts get one after the other, each taken before the next', () => {
    hold(({ question }) => {
      const shown = timesOf(question);
      const taken = [...question.taken];
      const given = shown.map(() => {
        const [slotMs = Number.NaN] = timesOf({ ...question, taken, count: 1 });
        taken.push(take(question, slotMs));
        return slotMs;
      });
      assert.deepEqual(given, shown);
    });
  });

  it('make room for a post whose time was chosen, and take it back when that is gone', () => {
    hold(({ question }) => {
      const [first] = timesOf(question);
      if (first === undefined) return;
      const explicit = take(question, first + 30_000);
      const { slots, skipped } = findSlots({ ...question, taken: [...question.taken, explicit] });
      assert.ok(
        slots.every(
          ({ atMs }) => Math.abs(atMs - explicit.atMs) >= question.grid.intervalMinutes * MINUTE_MS,
        ),
      );
      const why = skipped.find(({ atMs }) => atMs === first);
      if (skipped.length < MAX_SKIPPED) assert.equal(why?.postId, explicit.postId);
      assert.equal(timesOf(question)[0], first);
    });
  });

  it('may be exactly as near as the lead, the interval and a cap say', () => {
    const nowMs = Date.parse('2027-02-01T12:00:00Z');
    const at = (minutes: number) => nowMs + minutes * MINUTE_MS;
    const question: SlotQuestion = {
      grid: { startMinute: 0, endMinute: 1439, intervalMinutes: 5, days: WEEKDAYS },
      calendar: createZoneCalendar('UTC'),
      ...{ platforms: ['tiktok'], caps: [{ platform: 'tiktok', max: 2, windowSec: 3600 }] },
      // An hour apart, so there is no window that has both.
      taken: [at(0), at(60)].map((atMs, post) => ({ atMs, postId: `${post}`, platforms: ['tiktok'] })),
      ...{ nowMs, leadSec: 300, horizonDays: 1, count: 2 },
    };
    assert.deepEqual(timesOf(question), [at(5), at(65)]);
    const soon = findSlots(question).skipped.filter(({ reason }) => reason === 'too_soon');
    assert.deepEqual(
      soon.map(({ atMs }) => atMs),
      [at(0)],
    );
  });

  it('of nights belong to the day on which the night begins', () => {
    const question: SlotQuestion = {
      grid: { startMinute: 22 * 60, endMinute: 2 * 60, intervalMinutes: 120, days: ['fri'] },
      ...{ calendar: createZoneCalendar('Europe/Berlin'), taken: [], platforms: [], caps: [] },
      ...{ nowMs: Date.parse('2026-11-27T23:30Z'), leadSec: 0, horizonDays: 8, count: 10 },
    };
    const shown = timesOf(question).map((atMs) => new Date(atMs).toISOString());
    // Saturday at two, then Friday at ten and midnight; the window of the Friday after begins beyond the horizon.
    assert.deepEqual(shown, [
      '2026-11-28T01:00:00.000Z',
      '2026-12-04T21:00:00.000Z',
      '2026-12-04T23:00:00.000Z',
      '2026-12-05T01:00:00.000Z',
    ]);
  });

  it('are as people read them over the night in which summer begins', () => {
    const question: SlotQuestion = {
      grid: { startMinute: 0, endMinute: 6 * 60, intervalMinutes: 90, days: WEEKDAYS },
      ...{ calendar: createZoneCalendar('Europe/Berlin'), taken: [], platforms: [], caps: [] },
      ...{ nowMs: Date.parse('2027-03-27T22:00Z'), leadSec: 0, horizonDays: 0.4, count: 10 },
    };
    const { slots, skipped } = findSlots(question);
    assert.deepEqual(
      slots.map(({ atMs }) => new Date(atMs).toISOString()),
      // 00:00, 01:30, and 04:30, 06:00 of summer time.
      [
        '2027-03-27T23:00:00.000Z',
        '2027-03-28T00:30:00.000Z',
        '2027-03-28T02:30:00.000Z',
        '2027-03-28T04:00:00.000Z',
      ],
    );
    // 03:00 of summer time is half an hour after 01:30.
    assert.deepEqual(
      skipped.map(({ atMs, reason }) => [new Date(atMs).toISOString(), reason]),
      [['2027-03-28T01:00:00.000Z', 'close_to_earlier_slot']],
    );
  });
});
