import assert from 'node:assert/strict';
import { cellAt, parseStoryboard } from '../../src/http/shares/player/client/storyboard.js';
import { formatClock, speakTime } from '../../src/http/shares/player/client/times.js';
import { planStoryboard, storyboardIndex } from '../../src/media/storyboardGrid.ts';

/** Made for browsers: loaded past the compiler, which knows none here. */
const SESSION = '../../src/http/shares/player/client/session.js';

describe("the player's scripts", () => {
  it('find the cell of every time in the indexes that are made here', () => {
    for (const durationSec of [0.4, 2, 59.9, 100, 7261.5]) {
      const grid = planStoryboard({ width: 1280, height: 720, durationSec });
      const cells = parseStoryboard(storyboardIndex(grid, durationSec, 'storyboard.jpg'));
      assert.equal(cells.length, grid.count);
      for (let number = 0; number < grid.count; number += 1) {
        const cell = cellAt(cells, (number + 0.5) * grid.intervalSec);
        assert.equal(cell?.x, (number % grid.columns) * grid.tileWidth);
        assert.equal(cell?.y, Math.floor(number / grid.columns) * grid.tileHeight);
        assert.equal(cell?.picture, 'storyboard.jpg');
      }
      assert.equal(cellAt(cells, durationSec + 10), cells.at(-1));
    }
  });

  it('read other forms of WebVTT, and make nothing of what is none', () => {
    const text = 'WEBVTT\r\n\r\nNOTE x\r\n\r\n7\r\n00:01.500 --> 00:03.000 line:1\r\na.jpg#xywh=1,2,3,4\r\n';
    assert.deepEqual(parseStoryboard(text), [
      { startSec: 1.5, endSec: 3, picture: 'a.jpg', x: 1, y: 2, width: 3, height: 4 },
    ]);
    assert.deepEqual(parseStoryboard('WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n'), []);
    assert.equal(cellAt([], 3), null);
  });

  it('write times as a clock and as one says them', () => {
    assert.deepEqual([0, 9.99, 65, 3600, 36_061, Number.NaN, -3].map(formatClock), [
      '0:00',
      '0:09',
      '1:05',
      '1:00:00',
      '10:01:01',
      '0:00',
      '0:00',
    ]);
    assert.deepEqual([0, 1, 62, 7384].map(speakTime), [
      '0 seconds',
      '1 second',
      '1 minute 2 seconds',
      '2 hours 3 minutes 4 seconds',
    ]);
  });

  describe('keep an address as long as it is good', () => {
    const realFetch = globalThis.fetch;
    const realNow = Date.now;
    const START = Date.parse('2026-11-21T12:00:00Z');
    let nowMs = START;
    let asked: string[];

    beforeEach(() => {
      asked = [];
      nowMs = START;
      Date.now = () => nowMs;
      Object.assign(globalThis, {
        location: new URL('https://other.example/s/h'),
        fetch: async (path: string) => {
          asked.push(path);
          const body = {
            session: 'abc',
            url: `https://video.example/s/h/stream?n=${asked.length}`,
            expires_at: new Date(nowMs + 600_000).toISOString(),
          };
          return new Response(JSON.stringify(body), { headers: { Date: new Date(nowMs).toUTCString() } });
        },
      });
    });
    afterEach(() => {
      Date.now = realNow;
      globalThis.fetch = realFetch;
      Reflect.deleteProperty(globalThis, 'location');
    });

    it('on the host of the page, in one session, asked for once at a time', async () => {
      const session = (await import(SESSION)).createSession('/s/h/session');
      const [one, other] = await Promise.all([session.address(), session.address()]);
      assert.equal(one, other);
      assert.equal(one.url, '/s/h/stream?n=1');
      nowMs += 560_000;
      assert.equal((await session.address()).url, '/s/h/stream?n=1');
      nowMs += 15_000;
      assert.equal((await session.address()).url, '/s/h/stream?n=2', 'half a minute before its end');
      assert.deepEqual(asked, ['/s/h/session', '/s/h/session?session=abc']);
    });

    it('by the clock of the server, when the one here is hours off', async () => {
      const { createSession, isStale } = await import(SESSION);
      for (const skewMs of [-5 * 3_600_000, 5 * 3_600_000]) {
        nowMs = START;
        Date.now = () => nowMs + skewMs;
        const address = await createSession('/s/h/session').address();
        nowMs += 560_000;
        assert.equal(isStale(address), false);
        nowMs += 15_000;
        assert.equal(isStale(address), true);
      }
    });

    it('and tell an end from what may pass', async () => {
      const { createSession } = await import(SESSION);
      const kinds = { 404: 'ended', 410: 'ended', 409: 'waiting', 429: 'unreachable', 503: 'unreachable' };
      for (const [status, kind] of Object.entries(kinds)) {
        globalThis.fetch = async () => Response.json({ code: 'some_code' }, { status: Number(status) });
        await assert.rejects(createSession('/s/h/session').renew(), { kind, code: 'some_code' });
      }
      const givenUp = { code: 'not_ready', retryable: false };
      globalThis.fetch = async () => Response.json(givenUp, { status: 409 });
      await assert.rejects(createSession('/s/h/session').renew(), { kind: 'ended', code: 'not_ready' });
      globalThis.fetch = async () => Promise.reject(new TypeError('Failed to fetch'));
      await assert.rejects(createSession('/s/h/session').renew(), { kind: 'unreachable' });
    });

    it('and make nothing of an answer that is none, and ask again', async () => {
      const { fetch: good } = globalThis;
      const session = (await import(SESSION)).createSession('/s/h/session');
      const [expires_at, url] = [new Date(START + 600_000).toISOString(), '/s/h/stream'];
      for (const body of [
        '<html>Log in to the network of this hotel</html>',
        '',
        '{"session":"abc","url":"/s/h/str',
        'null',
        '{}',
        JSON.stringify({ session: 'abc', url: 'https://', expires_at }),
        JSON.stringify({ session: 'abc', url, expires_at: 'soon' }),
        JSON.stringify({ url, expires_at }),
      ]) {
        globalThis.fetch = async () => new Response(body);
        await assert.rejects(session.address(), { kind: 'unreachable' }, body);
        globalThis.fetch = async () => new Response(body, { status: 502 });
        await assert.rejects(session.address(), { kind: 'unreachable', code: '502' }, body);
      }
      const broken = new ReadableStream({ pull: (controller) => controller.error(new TypeError('lost')) });
      globalThis.fetch = async () => new Response(broken);
      await assert.rejects(session.address(), { kind: 'unreachable' });
      globalThis.fetch = good;
      assert.equal((await session.address()).url, '/s/h/stream?n=1');
    });
  });
});
