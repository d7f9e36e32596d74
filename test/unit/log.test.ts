import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { createLog } from '../../src/log.ts';

const SECRETS = [
  ...['authorization', 'cookie', 'password', 'token', 'secret', 'keys'],
  ...['credentials', 'sealedCredentials', 'api_key', 'flic_token', 'flic-token'],
];

describe('log', () => {
  let lines: string[];
  beforeEach(() => {
    lines = [];
  });
  const makeLog = (level = 'trace') => {
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      lines.push(String(chunk));
      done();
    };
    return createLog({ level, program: 'test' }, new Writable({ write }));
  };
  const lastLine = () => JSON.parse(lines.at(-1) ?? '{}');

  it('never writes what a secret field holds, at the top and three objects deep', () => {
    const log = makeLog();
    for (const name of SECRETS) {
      const value = `the ${name} itself`;
      let fields: Record<string, unknown> = { [name]: value, kept: 1 };
      for (const depth of [0, 1, 2, 3]) {
        log.info(fields, 'told');
        assert.ok(!lines.at(-1)?.includes(value), `${name} at depth ${depth}`);
        assert.ok(lines.at(-1)?.includes(`"${name}":"[redacted]"`), `${name} at depth ${depth}`);
        assert.ok(lines.at(-1)?.includes('"kept":1'), `${name} at depth ${depth}`);
        fields = { inner: fields };
      }
    }
  });

  it('redacts secrets that are no text, those of a child and those of an error too', () => {
    const log = makeLog();
    log.info({ keys: ['k1:hidden'], credentials: { user: 'hidden' } }, 'told');
    log.child({ module: 'http', token: 'hidden' }).info('told');
    log.child({ module: 'http' }).info({ req: { headers: { authorization: 'hidden' } } }, 'told');
    log.error({ err: Object.assign(new Error('broken'), { config: { password: 'hidden' } }) }, 'told');
    assert.equal(lines.length, 4);
    for (const line of lines) {
      assert.ok(!line.includes('hidden'), line);
      assert.ok(line.includes('[redacted]'), line);
    }
  });

  it('names program and module in every line of a child and of its children', () => {
    const child = makeLog().child({ module: 'storage' });
    for (const log of [child, child.child({ request_id: 'r1' })]) {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) {
        log[level]({ x: 1 }, 'told');
        const { program, module, msg, pid } = lastLine();
        assert.deepEqual(
          { program, module, msg, pid },
          {
            program: 'test',
            module: 'storage',
            msg: 'told',
            pid: process.pid,
          },
        );
      }
    }
    assert.equal(lastLine().request_id, 'r1');
    assert.equal(lines.length, 8);
  });

  it('leaves out what is below its level', () => {
    const log = makeLog('warn');
    log.info('unheard');
    log.warn('heard');
    assert.equal(lines.length, 1);
    assert.ok(Math.abs(Date.now() - Date.parse(lastLine().time)) < 60_000);
  });
});
