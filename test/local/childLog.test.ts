import assert from 'node:assert/strict';
import { shortenLogLine } from '../../src/local/childLog.ts';

const line = (fields: object) =>
  JSON.stringify({ time: '2026-11-21T06:11:13.123Z', module: 'http', ...fields });

describe('the log on the terminal', () => {
  it('shows warnings and worse in a short form', () => {
    const warning = line({ level: 40, msg: 'slow', err: { message: 'pool is empty' } });
    assert.equal(shortenLogLine('api', warning, false), '06:11:13 warn api/http: slow (pool is empty)');
  });

  it('hides the rest but for --verbose', () => {
    const note = line({ level: 30, msg: 'listening' });
    assert.equal(shortenLogLine('api', note, false), undefined);
    assert.equal(shortenLogLine('api', note, true), '06:11:13 info api/http: listening');
  });

  it("shows what is no log line: Node's own last words", () => {
    assert.equal(shortenLogLine('api', 'SyntaxError: oops', false), 'api: SyntaxError: oops');
    assert.equal(shortenLogLine('api', '42', false), 'api: 42');
    assert.equal(shortenLogLine('api', '  ', false), undefined);
  });
});
