import assert from 'node:assert/strict';
import { createLeakFinder } from '../support/leaks.ts';
import { seededRandom } from '../support/stack.ts';

describe('the search for secrets', () => {
  const random = seededRandom('leaks');
  const bytes = random.bytes(32);
  const text = `whsec_${bytes.toString('base64')}`;
  const finder = createLeakFinder([{ name: 'a secret', text, bytes }]);
  const noise = (length: number) => random.bytes(length);

  const FORMS: Record<string, (secret: Buffer) => string> = {
    'as it is': (secret) => `{"key":"${secret.toString('latin1')}"}`,
    hex: (secret) => `\\x00${secret.toString('hex')}ff`,
    HEX: (secret) => secret.toString('hex').toUpperCase(),
    'for an address': (secret) => `?a=${encodeURIComponent(secret.toString('latin1'))}`,
    'byte by byte for an address': (secret) => secret.toString('hex').replace(/../g, '%$&'),
  };
  for (const offset of [0, 1, 2, 3, 100]) {
    const among = (secret: Buffer) => Buffer.concat([noise(offset), secret, noise(7)]);
    FORMS[`base64 after ${offset}`] = (secret) => among(secret).toString('base64');
    FORMS[`base64url after ${offset}`] = (secret) => among(secret).toString('base64url');
    FORMS[`base64 for an address after ${offset}`] = (secret) =>
      encodeURIComponent(among(secret).toString('base64'));
  }

  for (const [name, write] of Object.entries(FORMS)) {
    it(`finds one ${name}, and either half of it`, () => {
      const whole = Buffer.from(text);
      for (const part of [whole, whole.subarray(0, 30), whole.subarray(whole.length - 30)]) {
        const [leak] = finder.find('somewhere', `before ${write(part)} after`);
        assert.ok(leak, `not found in ${write(part)}`);
        assert.equal(leak.secret, 'a secret');
        assert.equal(leak.place, 'somewhere');
      }
    });
  }

  it('finds what a secret stands for', () => {
    assert.equal(finder.find('a dump', `\\x${bytes.toString('hex')}`).length > 0, true);
    assert.equal(finder.find('a dump', bytes.toString('base64url')).length > 0, true);
  });

  it('finds nothing in what has none', () => {
    const other = noise(4096);
    const forms = [other.toString('base64'), other.toString('hex'), other.toString('latin1'), 'whsec_'];
    assert.deepEqual(finder.find('noise', forms.join('\n')), []);
  });
});
