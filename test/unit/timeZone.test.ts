import assert from 'node:assert/strict';
import { toLocalTime } from '../../src/domain/timeZone.ts';

describe('the clocks of a zone', () => {
  it('show its own time each, however often and in whatever order they are asked', () => {
    const table: [string, string, string | null][] = [
      ['2027-01-01T12:00:00Z', 'Europe/Berlin', '2027-01-01T13:00'],
      ['2027-01-01T12:00:00Z', 'Asia/Kathmandu', '2027-01-01T17:45'],
      ['2027-07-01T23:30:00Z', 'Europe/Berlin', '2027-07-02T01:30'],
      ['2027-01-01T00:00:00Z', 'UTC', '2027-01-01T00:00'],
      ['2027-01-01T12:00:00Z', 'europe/BERLIN', '2027-01-01T13:00'],
      ['2027-01-01T12:00:00Z', 'Europe/Atlantis', null],
    ];
    for (const [at, zone, expected] of [...table, ...table.toReversed()])
      assert.equal(toLocalTime(new Date(at), zone), expected, `${at} ${zone}`);
  });

  it('are those of all its names, also of more than are kept', () => {
    const at = new Date('2027-01-01T12:00:00Z');
    const letters = [...'america/new_york'];
    const names = Array.from({ length: 1100 }, (_, bits) =>
      letters.map((letter, place) => ((bits >> place) & 1 ? letter.toUpperCase() : letter)).join(''),
    );
    for (const name of names) assert.equal(toLocalTime(at, name), '2027-01-01T07:00', name);
  });
});
