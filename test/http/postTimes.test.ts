import assert from 'node:assert/strict';
import { isReadableTime, readTime } from '../../src/http/posts/times.ts';
import { HttpProblem } from '../../src/http/problem.ts';

const NOW = Date.parse('2026-10-01T12:00:00Z');

/** What a time is read as, or the message that refuses it. */
function read(given: string, timeZone = 'Europe/Berlin', nowMs = NOW): string {
  try {
    return readTime(given, timeZone, nowMs).toISOString();
  } catch (error) {
    assert.ok(error instanceof HttpProblem, String(error));
    assert.equal(error.code, 'invalid_request');
    assert.equal(error.errors?.length, 1);
    assert.equal(error.errors?.[0]?.path, 'scheduled_at');
    return error.errors?.[0]?.message ?? '';
  }
}

describe('the times of posts', () => {
  it('are instants where they have an offset, whatever the zone', () => {
    const table: [string, string][] = [
      ['2026-12-24T18:00:00Z', '2026-12-24T18:00:00.000Z'],
      ['2026-12-24T18:00:00+01:00', '2026-12-24T17:00:00.000Z'],
      ['2026-12-24T18:00+01:00', '2026-12-24T17:00:00.000Z'],
      ['2026-12-24T18:00:00-00:00', '2026-12-24T18:00:00.000Z'],
      ['2026-12-24T18:00:00.123456789Z', '2026-12-24T18:00:00.123Z'],
      ['2026-12-24T18:00:00.9Z', '2026-12-24T18:00:00.900Z'],
      ['2026-12-25T01:00:00+14:00', '2026-12-24T11:00:00.000Z'],
      ['2026-12-31T23:59:59-23:59', '2027-01-01T23:58:59.000Z'],
      // A gap of Berlin's, but this is no time of Berlin's.
      ['2027-03-28T02:30:00+01:00', '2027-03-28T01:30:00.000Z'],
      // The second of the two is said by its offset.
      ['2026-10-25T02:30:00+01:00', '2026-10-25T01:30:00.000Z'],
    ];
    for (const [given, expected] of table) assert.equal(read(given), expected, given);
  });

  it("are read in the account's zone where they have none: forward out of a gap, the first of two", () => {
    const table: [string, string, string][] = [
      ['2026-12-24T18:00', 'Europe/Berlin', '2026-12-24T17:00:00.000Z'],
      ['2026-12-24T18:00:30.5', 'UTC', '2026-12-24T18:00:30.500Z'],
      // 03:30 of summer time.
      ['2027-03-28T02:30', 'Europe/Berlin', '2027-03-28T01:30:00.000Z'],
      ['2027-03-28T01:59:59.999', 'Europe/Berlin', '2027-03-28T00:59:59.999Z'],
      ['2027-03-28T02:00', 'Europe/Berlin', '2027-03-28T01:00:00.000Z'],
      ['2027-03-28T03:00', 'Europe/Berlin', '2027-03-28T01:00:00.000Z'],
      // Still summer time.
      ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
      ['2026-10-25T02:00', 'Europe/Berlin', '2026-10-25T00:00:00.000Z'],
      ['2026-10-25T03:00', 'Europe/Berlin', '2026-10-25T02:00:00.000Z'],
      // Half an hour is skipped there.
      ['2026-10-04T02:15', 'Australia/Lord_Howe', '2026-10-03T15:45:00.000Z'],
      ['2026-12-24T18:00', 'Asia/Kathmandu', '2026-12-24T12:15:00.000Z'],
    ];
    for (const [given, zone, expected] of table)
      assert.equal(read(given, zone), expected, `${given} ${zone}`);
  });

  it('need an offset where the zone is not known', () => {
    for (const zone of ['Europe/Atlantis', '']) {
      const unknown = "the account's zone is not known here; give the time an offset";
      assert.equal(read('2026-12-24T18:00', zone), unknown, zone);
      assert.equal(read('2026-12-24T18:00:00+01:00', zone), '2026-12-24T17:00:00.000Z', zone);
    }
  });

  it('lie ahead, and not more than 365 days', () => {
    assert.equal(read('2026-10-01T12:00:00Z'), '2026-10-01T12:00:00.000Z');
    assert.equal(read('2027-10-01T12:00:00Z'), '2027-10-01T12:00:00.000Z');
    const past = 'lies in the past; to post at once give null';
    const far = 'must be at most 365 days ahead';
    assert.equal(read('2026-10-01T11:59:59.999Z'), past);
    assert.equal(read('2027-10-01T12:00:00.001Z'), far);
    for (const given of ['0000-01-01T00:00:00Z', '0001-01-01T00:00', '1969-12-31T23:59:59Z'])
      assert.equal(read(given), past, given);
    for (const given of ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59-23:59', '9999-12-31T23:59'])
      assert.equal(read(given), far, given);
    // The first of two may be over while the second is still to come.
    assert.equal(read('2026-10-25T02:30', 'Europe/Berlin', Date.parse('2026-10-25T01:00:00Z')), past);
  });

  it('are refused where they are no times as the API writes them', () => {
    const odd = [
      '',
      ' ',
      'AUTO',
      'now',
      'tomorrow',
      '2026-12-24',
      '18:00',
      '2026-12-24 18:00:00Z',
      ' 2026-12-24T18:00:00Z',
      '2026-12-24T18:00:00Z ',
      '2026-12-24T18:00:00Z\n',
      '2026-12-24t18:00:00Z',
      '2026-12-24T18:00:00z',
      '2026-12-24T18Z',
      '2026-12-24T24:00:00Z',
      // Leap seconds have no instant of their own, and nobody plans a post for one.
      '2026-12-31T23:59:60Z',
      '2026-12-24T18:60:00Z',
      '2026-12-24T18:00:00,5Z',
      '2026-12-24T18:00:00.Z',
      '2026-12-24T18:00:00+0100',
      '2026-12-24T18:00:00+01',
      '2026-12-24T18:00:00+24:00',
      '2026-12-24T18:00:00+01:60',
      '2026-12-24T18:00:00+01:00[Europe/Berlin]',
      '2026-12-24T18:00:00 Europe/Berlin',
      '2027-02-29T18:00:00Z',
      '2027-02-30T18:00',
      '2026-13-01T18:00:00Z',
      '2026-00-10T18:00:00Z',
      '2026-11-31T18:00:00Z',
      '2026-11-00T18:00:00Z',
      '+002026-12-24T18:00:00Z',
      '-2026-12-24T18:00:00Z',
      '20261224T180000Z',
      '2026-W52-4T18:00:00Z',
      '1798135200',
      '٢٠٢٦-12-24T18:00:00Z',
      '2026-12-24T18:00:00−01:00',
    ];
    for (const given of odd) {
      assert.equal(isReadableTime(given), false, given);
      assert.match(read(given), /^must be a time of RFC 3339/, given);
    }
    assert.ok(isReadableTime('2028-02-29T18:00:00Z'));
  });
});
