import assert from 'node:assert/strict';
import moment from 'moment-timezone';
import { WEEKDAYS, type Weekday } from '../../src/domain/account.ts';
import { findSlots } from '../../src/domain/slots.ts';
import { listSlotTimes, type SlotGrid } from '../../src/domain/slotTimes.ts';
import { toLocalText, weekdayOf } from '../../src/domain/zoneCalendar.ts';
import { createZoneCalendar, resolveLocalTime } from '../../src/timeZones.ts';
import { assertSameList } from '../support/sameList.ts';
import { sample } from '../support/sample.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const FIRST_MS = Date.UTC(2026, 0, 1);
const END_MS = Date.UTC(2028, 0, 1);

/** Gaps and overlaps of an hour, of half and of two hours, at midnight, at 24:00 and on Saturdays; and zones without any. */
const ZONES = [
  ...['Europe/Berlin', 'Europe/London', 'Europe/Dublin', 'Europe/Lisbon', 'Europe/Chisinau', 'Europe/Athens'],
  ...['Europe/Kyiv', 'Europe/Warsaw'],
  ...['Europe/Moscow', 'Europe/Istanbul', 'Atlantic/Azores', 'Atlantic/Reykjavik', 'Atlantic/Bermuda'],
  ...['America/Nuuk', 'America/Scoresbysund', 'America/St_Johns', 'America/Halifax', 'America/New_York'],
  ...['America/Chicago', 'America/Denver', 'America/Phoenix', 'America/Los_Angeles', 'America/Vancouver'],
  ...['America/Anchorage', 'America/Adak', 'America/Havana', 'America/Winnipeg', 'America/Inuvik'],
  ...['America/Mexico_City', 'America/Tijuana', 'America/Sao_Paulo', 'America/Asuncion', 'America/Santiago'],
  ...['America/Punta_Arenas', 'America/Miquelon', 'America/Port-au-Prince', 'Pacific/Easter'],
  ...['Africa/Cairo', 'Africa/Casablanca', 'Africa/El_Aaiun', 'Africa/Johannesburg', 'Africa/Lagos'],
  ...['Asia/Gaza', 'Asia/Hebron', 'Asia/Jerusalem', 'Asia/Beirut', 'Asia/Tehran', 'Asia/Kathmandu'],
  ...['Asia/Kolkata', 'Asia/Yangon', 'Asia/Tokyo', 'Asia/Shanghai', 'Asia/Almaty', 'Asia/Pyongyang'],
  ...[
    'Australia/Lord_Howe',
    'Australia/Sydney',
    'Australia/Adelaide',
    'Australia/Brisbane',
    'Australia/Eucla',
  ],
  ...['Pacific/Auckland', 'Pacific/Chatham', 'Pacific/Apia', 'Pacific/Kiritimati', 'Pacific/Norfolk'],
  ...['Pacific/Fiji', 'Pacific/Honolulu', 'Pacific/Marquesas', 'Antarctica/Troll', 'UTC', 'Etc/GMT+12'],
];

/** Changes before these two years whose like there may be again. */
const EARLIER: [zone: string, from: string, to: string][] = [
  // A whole day was skipped.
  ['Pacific/Apia', '2011-12-01', '2012-01-31'],
  ['Pacific/Kiritimati', '1994-12-01', '1995-01-31'],
  ['Pacific/Kwajalein', '1993-08-01', '1993-09-01'],
  // Summer time that pauses for Ramadan, at its own times.
  ['Africa/Casablanca', '2024-01-01', '2026-01-01'],
  ['Africa/El_Aaiun', '2024-01-01', '2026-01-01'],
  ['Africa/Cairo', '2014-05-01', '2014-10-01'],
  // At midnight, which that day did not have.
  ['Asia/Tehran', '2021-01-01', '2023-01-01'],
  ['America/Asuncion', '2023-01-01', '2025-01-01'],
  ['Asia/Amman', '2021-01-01', '2023-01-01'],
  // Back from one minute after midnight to the day before.
  ['America/St_Johns', '2009-01-01', '2011-01-01'],
  // By half an hour, for good.
  ['America/Caracas', '2016-04-01', '2016-06-01'],
  ['Asia/Pyongyang', '2015-08-01', '2018-06-01'],
  // By three hours, and there and back within a year.
  ['Antarctica/Casey', '2018-01-01', '2023-12-31'],
  ['Europe/Volgograd', '2018-01-01', '2021-01-01'],
];

/**
 * What Node does not know of yet: its data (process.versions.tz) are 2026c, those of the test are newer. In these times
 * Node's clocks change where those of the zone do not, so no change of the table is without its test. Whoever gets a
 * newer Node removes what that has learnt; until then posts there are off by an hour.
 */
const NEWER_THAN_NODE: Record<string, { from: string; to: string; why: string }> = {
  'America/Havana': {
    ...{ from: '2026-11-01', to: '2027-03-15' },
    why: 'Cuba stays at UTC-4 this winter',
  },
  'America/Winnipeg': {
    ...{ from: '2026-11-01', to: '2028-01-01' },
    why: 'Manitoba stays at UTC-5 for good',
  },
  'America/Inuvik': {
    ...{ from: '2026-11-01', to: '2028-01-01' },
    why: 'the Northwest Territories stay at UTC-6 for good',
  },
};

interface Change {
  zone: string;
  atMs: number;
}

const zoneOf = (name: string) => {
  const zone = moment.tz.zone(name);
  assert.ok(zone, `${name} is a zone there, too`);
  return zone;
};

/** How far a zone is ahead of UTC, by the other library. */
const offsetMs = (name: string, atMs: number): number => -zoneOf(name).utcOffset(atMs) * MINUTE_MS;

const changesOf = (zone: string, fromMs: number, toMs: number): Change[] =>
  zoneOf(zone)
    .untils.filter(
      (atMs): atMs is number =>
        atMs !== null && atMs >= fromMs && atMs < toMs && offsetMs(zone, atMs) !== offsetMs(zone, atMs - 1),
    )
    .map((atMs) => ({ zone, atMs }));

const isNewer = ({ zone, atMs }: Change): boolean => {
  const newer = NEWER_THAN_NODE[zone];
  return newer !== undefined && atMs >= Date.parse(newer.from) && atMs < Date.parse(newer.to);
};

/** Gives what a wall clock means, as the rule has it: not in a gap, and the first of two. */
function expectTime(zone: string, wallMs: number): { atMs: number; isMoved: boolean } {
  // Offsets are asked for well before and after; there are no two changes within these days.
  const offsets = [offsetMs(zone, wallMs - 2 * DAY_MS), offsetMs(zone, wallMs + 2 * DAY_MS)];
  const meant = offsets
    .map((offset) => wallMs - offset)
    .filter((atMs) => atMs + offsetMs(zone, atMs) === wallMs);
  if (meant.length > 0) return { atMs: Math.min(...meant), isMoved: false };
  return { atMs: wallMs - (offsets[0] as number), isMoved: true };
}

const textOf = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 16);
const dayNames: Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Gives the times of a grid around an instant, one by one: `[instant, where it was moved from]`. */
function expectTimes(
  zone: string,
  grid: SlotGrid,
  fromMs: number,
  untilMs: number,
): [number, string | null][] {
  const times = new Map<number, string | null>();
  const midnightMs = Math.floor(fromMs / DAY_MS) * DAY_MS - 4 * DAY_MS;
  for (let dayMs = midnightMs; dayMs < untilMs + 4 * DAY_MS; dayMs += DAY_MS) {
    if (!grid.days.includes(dayNames[new Date(dayMs).getUTCDay()] as Weekday)) continue;
    const length = (grid.endMinute - grid.startMinute + 1440) % 1440;
    for (let minute = grid.startMinute; minute <= grid.startMinute + length; minute += grid.intervalMinutes) {
      const wallMs = dayMs + minute * MINUTE_MS;
      const { atMs, isMoved } = expectTime(zone, wallMs);
      if (atMs < fromMs || atMs > untilMs || times.get(atMs) === null) continue;
      if (!isMoved || !times.has(atMs)) times.set(atMs, isMoved ? textOf(wallMs) : null);
    }
  }
  return [...times].sort(([a], [b]) => a - b);
}

const GRIDS: Record<string, SlotGrid> = {
  'all day long': { startMinute: 0, endMinute: 1439, intervalMinutes: 15, days: WEEKDAYS },
  overnight: { startMinute: 22 * 60, endMinute: 5 * 60 + 59, intervalMinutes: 7, days: WEEKDAYS },
  'over midnight': {
    startMinute: 23 * 60 + 50,
    endMinute: 23 * 60 + 49,
    intervalMinutes: 50,
    days: WEEKDAYS,
  },
  'once a night': { startMinute: 150, endMinute: 150, intervalMinutes: 60, days: WEEKDAYS },
  'on some days': { startMinute: 0, endMinute: 1430, intervalMinutes: 10, days: ['sun', 'fri'] },
};

/** A window of a whole day that begins just after clocks change: what they skipped comes when the next has begun. */
function gridAround({ zone, atMs }: Change): SlotGrid {
  const minute = Math.floor((atMs + offsetMs(zone, atMs)) / MINUTE_MS) + 10;
  const startMinute = minute % 1440;
  return { startMinute, endMinute: (startMinute + 1439) % 1440, intervalMinutes: 7, days: WEEKDAYS };
}

function checkGrids(change: Change): void {
  const { zone, atMs } = change;
  const [fromMs, untilMs] = [atMs - 40 * HOUR_MS, atMs + 40 * HOUR_MS];
  for (const [name, grid] of Object.entries({ ...GRIDS, 'from then on': gridAround(change) })) {
    const what = `${zone}, ${name}, around ${new Date(atMs).toISOString()}`;
    const calendar = createZoneCalendar(zone);
    const expected = expectTimes(zone, grid, fromMs, untilMs);
    // Also where the change is at the very ends of what is asked for.
    for (const near of [
      { fromMs, untilMs },
      { fromMs: atMs - 25 * MINUTE_MS, untilMs: atMs + 25 * MINUTE_MS },
    ]) {
      const given = [...listSlotTimes(grid, calendar, near)].map((time): [number, string | null] => [
        time.atMs,
        time.movedFrom && toLocalText(time.movedFrom),
      ]);
      const within = expected.filter(([timeMs]) => timeMs >= near.fromMs && timeMs <= near.untilMs);
      assertSameList(given, within, what);
    }
    const wide: number[] = [];
    for (const [timeMs] of expected)
      if (timeMs - (wide.at(-1) ?? 0) >= grid.intervalMinutes * MINUTE_MS) wide.push(timeMs);
    const { slots } = findSlots({
      ...{ grid, calendar, taken: [], platforms: [], caps: [], nowMs: fromMs, leadSec: 0 },
      ...{ horizonDays: (untilMs - fromMs) / DAY_MS, count: 1000 },
    });
    const slotTimes = slots.map((slot) => slot.atMs);
    assertSameList(slotTimes, wide, `${what}: slots are no nearer than the interval`);
  }
}

function checkClock({ zone, atMs }: Change): void {
  const calendar = createZoneCalendar(zone);
  for (const awayMs of [-DAY_MS, -HOUR_MS, -MINUTE_MS, 0, MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, DAY_MS]) {
    const timeMs = atMs + awayMs;
    const shown = moment.tz(timeMs, zone);
    const wallTime = calendar.wallTimeAt(timeMs);
    assert.equal(toLocalText(wallTime), shown.format('YYYY-MM-DDTHH:mm'), zone);
    assert.equal(weekdayOf(wallTime.day), shown.format('ddd').toLowerCase(), zone);
  }
  const beforeMs = atMs + offsetMs(zone, atMs - 1);
  const afterMs = atMs + offsetMs(zone, atMs);
  // In the gap or the overlap, at its ends, and a day later.
  const [low, high] = [Math.min(beforeMs, afterMs), Math.max(beforeMs, afterMs)];
  for (const wallMs of [low - 1, low, (low + high) / 2, high - 1, high, high + DAY_MS]) {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = new Date(wallMs)
      .toISOString()
      .split(/\D/)
      .map(Number);
    const millisecond = new Date(wallMs).getUTCMilliseconds();
    const given = resolveLocalTime({ year, month, day, hour, minute, second, millisecond }, zone);
    assert.equal(
      given.getTime(),
      expectTime(zone, wallMs).atMs,
      `${zone}, ${new Date(wallMs).toISOString()}`,
    );
  }
}

describe('clocks of the zones', () => {
  const table = ZONES.flatMap((zone) => changesOf(zone, FIRST_MS, END_MS));

  it('are known to Node as to another library, but for what is newer than Node', () => {
    const clock = (zone: string) => {
      const format = new Intl.DateTimeFormat('sv', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'short',
      });
      return (atMs: number) => format.format(atMs).replace(' ', 'T');
    };
    for (const zone of ZONES) {
      const show = clock(zone);
      const edges = changesOf(zone, FIRST_MS, END_MS).flatMap(({ atMs }) => [atMs - MINUTE_MS, atMs]);
      const weekly = Array.from({ length: 104 }, (_, week) => FIRST_MS + week * 7 * DAY_MS);
      const differing = [...edges, ...weekly].filter(
        (atMs) => show(atMs) !== moment.tz(atMs, zone).format('YYYY-MM-DDTHH:mm'),
      );
      const unexplained = differing.filter((atMs) => !isNewer({ zone, atMs }));
      assert.deepEqual(
        unexplained.map((atMs) => new Date(atMs).toISOString()),
        [],
        `${zone} is not the same in Node (${process.versions.tz}) and in moment-timezone (${moment.tz.dataVersion})`,
      );
      assert.equal(
        differing.length > 0,
        zone in NEWER_THAN_NODE,
        `${zone}: Node knows now: remove it from the list`,
      );
    }
  });

  it('change often enough in these years to try', () => {
    const zones = new Set(table.map(({ zone }) => zone));
    assert.ok(
      ZONES.length >= 60 && zones.size >= 40 && table.length >= 140,
      `${zones.size}, ${table.length}`,
    );
    const lengths = new Set(table.map(({ zone, atMs }) => offsetMs(zone, atMs) - offsetMs(zone, atMs - 1)));
    for (const minutes of [60, -60, 30, -30, 120, -120])
      assert.ok(lengths.has(minutes * MINUTE_MS), `${minutes}`);
  });

  for (const zone of ZONES) {
    it(`of ${zone} give the times that they should`, () => {
      const changes = table.filter((change) => change.zone === zone);
      // Where nothing changes, some day is like another.
      const days = changes.length > 0 ? changes : [{ zone, atMs: Date.UTC(2026, 2, 29, 1) }];
      for (const change of days) {
        checkClock(change);
        checkGrids(change);
      }
    });
  }

  for (const [zone, from, to] of EARLIER) {
    it(`of ${zone} did so from ${from} on`, () => {
      const changes = changesOf(zone, Date.parse(from), Date.parse(to));
      assert.ok(changes.length > 0);
      for (const change of changes) {
        checkClock(change);
        checkGrids(change);
      }
    });
  }

  it('of all other zones do, too', () => {
    const others = moment.tz.names().filter((zone) => !ZONES.includes(zone));
    for (const zone of sample('zones', others, 20))
      for (const change of changesOf(zone, FIRST_MS, END_MS)) checkGrids(change);
  });
});
