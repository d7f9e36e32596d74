import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PROBLEMS } from '../../src/http/problemCodes.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('rules: codes of refusals', () => {
  it('are all given by somebody: what is documented can happen', () => {
    const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('problemCodes.ts'));
    const sources = files.map((file) => readFileSync(`${root}${file}`, 'utf8')).join('\n');
    const unused = Object.keys(PROBLEMS).filter((code) => !sources.includes(`'${code}'`));
    assert.deepEqual(unused, []);
  });

  it('say something else each, and are worth another try when the status says so', () => {
    const details = Object.values(PROBLEMS).map((kind) => kind.detail);
    assert.equal(new Set(details).size, details.length);
    for (const [code, { status, retryable }] of Object.entries(PROBLEMS)) {
      if (status >= 500 || status === 429) assert.equal(retryable, true, code);
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
    }
  });
});
