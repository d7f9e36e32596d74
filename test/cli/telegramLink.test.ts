import assert from 'node:assert/strict';
import { makePlace, type Place } from './session.ts';
import { type StandInServer, sendProblem, startStandInServer } from './standInServer.ts';

describe('videoflow telegram link', () => {
  let server: StandInServer;
  let place: Place;

  before(async () => {
    server = await startStandInServer();
    place = await makePlace({ VIDEOFLOW_URL: server.url, VIDEOFLOW_TOKEN: server.token });
  });

  after(async () => {
    await server.close();
    await place.remove();
  });

  const link = (...args: string[]) => place.run(['telegram', 'link', ...args]);

  it('shows where to press Start, waits, and says which chat it is', async () => {
    const error = { code: 'telegram_conflict', message: 'Another program reads' };
    server.linkStates = [{ state: 'open' }, { state: 'open', error }, { state: 'linked', chat: '77' }];
    const { code, stdout, stderr } = await link();
    assert.equal(code, 0);
    assert.match(stdout, /\n {2}https:\/\/t\.me\/a_bot\?start=CODE\n/);
    assert.match(stdout, /\nOr write "\/start@a_bot CODE" in a group/);
    assert.match(stdout, /\nLinked: notices now go to chat 77\n$/);
    assert.equal(stderr, 'videoflow: Another program reads\n');
  }).timeout(10_000);

  it('writes JSON for scripts', async () => {
    server.linkStates = [{ state: 'linked', chat: '-100' }];
    const { code, stdout } = await link('--json');
    assert.equal(code, 0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      [lines.length, lines[0].url, lines[1].state, lines[1].chat],
      [2, 'https://t.me/a_bot?start=CODE', 'linked', '-100'],
    );
  });

  it('says by the exit code that nobody came, or that there is no bot', async () => {
    server.linkStates = [{ state: 'expired' }];
    const late = await link();
    assert.equal(late.code, 1);
    assert.match(late.stdout, /Nobody sent the code in time/);
    server.faults.push((_request, response) => sendProblem(response, 409, 'no_telegram_bot'));
    assert.deepEqual((await link()).stderr, 'videoflow: detail of no_telegram_bot\n');
  });

  it('ends at once when somebody asks for that', async () => {
    server.linkStates = [{ state: 'open' }];
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 200);
    assert.equal((await place.run(['telegram', 'link'], { signal: ending.signal })).code, 130);
  });
});
