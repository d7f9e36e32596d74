import assert from 'node:assert/strict';
import { createDecipheriv, randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { loadConfig, makeRingKey, type RingKey } from '../../src/config.ts';
import { createSealer, isSealed, SealedTextError, UnknownKeyError } from '../../src/secrets/sealing.ts';
import { seededRandom } from '../support/stack.ts';

const MUTATIONS = 1000;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const ring = (...ids: string[]): RingKey[] =>
  loadConfig({
    DATABASE_URL: 'postgres://localhost/none',
    SIGNING_KEYS: makeRingKey('s1'),
    ENCRYPTION_KEYS: ids.map(makeRingKey).join(','),
  }).ENCRYPTION_KEYS;

const PLAINS = [
  '',
  'x',
  'https://hooks.example.com/T000/B000/very-secret?token=abc',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  '🎬 ünïcödé \u202E rtl, a \u0000 and a \n line',
  'k'.repeat(100_000),
];

describe('sealing', () => {
  const keys = ring('k1');
  const sealer = createSealer(keys);
  const place = `webhook_secrets/${randomUUID()}`;

  const assertClosed = (text: string, tiedTo = place, open = sealer.open, isKeyKnown = true): void => {
    assert.throws(
      () => open(text, tiedTo),
      (error: unknown) => {
        assert.ok(error instanceof SealedTextError);
        if (isKeyKnown) assert.equal(error.code, 'secret_unreadable');
        assert.equal(error.cause, undefined);
        assert.doesNotMatch(inspect(error), /very-secret|hooks\.example|unsupported state/i);
        return true;
      },
    );
  };

  it('gives back what was sealed, of any text', () => {
    for (const plain of PLAINS) {
      const sealed = sealer.seal(plain, place);
      assert.ok(isSealed(sealed));
      assert.match(sealed, /^sealed1\.k1\.[\w-]+$/);
      assert.equal(sealer.open(sealed, place), plain);
    }
  });

  it('never gives the same text twice, and shows nothing of it but its length', () => {
    const plain = PLAINS[2] as string;
    const [one, two] = [sealer.seal(plain, place), sealer.seal(plain, place)];
    const bytes = [one, two].map((text) => Buffer.from(text.split('.')[2] ?? '', 'base64url'));
    for (const chunk of bytes) assert.equal(chunk.length, 12 + 32 + 16 + 12 + Buffer.byteLength(plain) + 16);
    const [first, second] = bytes as [Buffer, Buffer];
    const same = first.filter((byte, at) => byte === second[at]).length;
    assert.ok(same < first.length / 10, `${same} of ${first.length} bytes are the same`);
    assert.ok(!Buffer.concat(bytes).includes('very-secret'));
  });

  it('is AES-256-GCM twice, as written down, for whoever has to open it by other means', () => {
    const bytes = Buffer.from(sealer.seal('hello', 'a/b').split('.')[2] ?? '', 'base64url');
    const decrypt = (key: Buffer, part: Buffer, boundTo: string) => {
      const decipher = createDecipheriv('aes-256-gcm', key, part.subarray(0, 12));
      decipher.setAAD(Buffer.from(boundTo)).setAuthTag(part.subarray(-16));
      return Buffer.concat([decipher.update(part.subarray(12, -16)), decipher.final()]);
    };
    const ringKey = (keys[0] as RingKey).bytes;
    const dataKey = decrypt(ringKey, bytes.subarray(0, 60), 'videoflow\n1\nkey\nk1\na/b');
    assert.equal(decrypt(dataKey, bytes.subarray(60), 'videoflow\n1\ntext\nk1\na/b').toString(), 'hello');
  });

  it('opens in its own place only', () => {
    const sealed = sealer.seal('secret', place);
    for (const other of [`webhook_secrets/${randomUUID()}`, `${place} `, place.toUpperCase(), '', 'k1'])
      assertClosed(sealed, other);
  });

  it('seals with the first key of the ring and opens with all', () => {
    const [newer] = ring('k2') as [RingKey];
    const old = sealer.seal('kept', place);
    const rotated = createSealer([newer, ...keys]);
    assert.equal(rotated.open(old, place), 'kept');
    const fresh = rotated.seal('kept', place);
    assert.match(fresh, /^sealed1\.k2\./);
    assert.equal(createSealer([newer]).open(fresh, place), 'kept');
    // That is trouble of this process alone.
    for (const open of [() => sealer.open(fresh, place), () => createSealer([newer]).open(old, place)])
      assert.throws(open, (error: unknown) => {
        assert.ok(error instanceof UnknownKeyError && error.cause === undefined);
        assert.equal(error.code, 'secret_key_unknown');
        return true;
      });
  });

  it('does not open with another key of the same name, nor under the name of another key', () => {
    const [k1, k2] = [keys[0] as RingKey, { id: 'k2', bytes: (keys[0] as RingKey).bytes }];
    const sealed = sealer.seal('secret', place);
    assertClosed(sealed, place, createSealer(ring('k1')).open);
    assertClosed(sealed.replace('.k1.', '.k2.'), place, createSealer([k1, k2]).open);
  });

  it('does not open when any bit of it was changed', () => {
    const sealed = sealer.seal(PLAINS[2] as string, place);
    const [head, keyId, body = ''] = sealed.split('.');
    const bytes = Buffer.from(body, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      assertClosed([head, keyId, changed.toString('base64url')].join('.'));
    }
  });

  it('does not open when a character was changed, lost, added or moved, wherever', () => {
    const random = seededRandom('sealing');
    const sealed = sealer.seal(PLAINS[2] as string, place);
    const any = () => String.fromCodePoint(random.int(0, 0x2fff));
    const kinds = [
      (at: number) => sealed.slice(0, at) + any() + sealed.slice(at + 1),
      (at: number) => sealed.slice(0, at),
      (at: number) => sealed.slice(at),
      (at: number) => sealed.slice(0, at) + any() + sealed.slice(at),
      (at: number) => sealed.slice(0, at) + sealed.slice(at + random.int(1, 40)),
      (at: number) => sealed.slice(at) + sealed.slice(0, at),
      (at: number) => sealed.slice(0, at) + sealed.slice(at).toUpperCase(),
    ];
    for (let round = 0; round < MUTATIONS; round += 1) {
      const mutate = kinds[round % kinds.length] as (at: number) => string;
      const text = mutate(random.int(0, sealed.length - 1));
      // The change may be in the name of the key.
      if (text !== sealed) assertClosed(text, place, sealer.open, text.startsWith('sealed1.k1.'));
    }
  });

  it('does not open a key of one text with the words of another', () => {
    const [one, two] = ['first', 'other'].map((plain) => sealer.seal(plain, place).split('.')[2] ?? '');
    // The wrapped key is 60 bytes: 80 characters.
    assertClosed(`sealed1.k1.${one?.slice(0, 80)}${two?.slice(80)}`);
  });

  it('does not open what is no sealed text, nor another spelling or version of one', () => {
    const sealed = sealer.seal('xx', place);
    const spellings = [`${sealed}=`, sealed.replace('sealed1', 'sealed2'), `${sealed}\n`, ` ${sealed}`];
    for (const text of ['', 'sealed1', 'sealed1..', 'sealed1.k1.', 'https://example.com/', ...spellings])
      assertClosed(text);
    // The last character of base64 may hold bits that stand for nothing.
    for (const plain of ['x', 'xx', 'xxx']) {
      const whole = sealer.seal(plain, place);
      const others = [...LETTERS].filter((letter) => letter !== whole.at(-1));
      for (const letter of others) assertClosed(whole.slice(0, -1) + letter);
    }
  });

  it('tells sealed texts from addresses', () => {
    for (const plain of ['https://sealed1.k1.example.com/', 'http://a/', '', 'sealed', 'whsec_abc'])
      assert.equal(isSealed(plain), false, plain);
  });

  it('gives older texts as they are, and no broken one', () => {
    const sealed = sealer.seal('https://example.com/', place);
    assert.equal(sealer.openIfSealed(sealed, place), 'https://example.com/');
    assert.equal(sealer.openIfSealed('https://example.com/?old', place), 'https://example.com/?old');
    for (const broken of [sealed.slice(0, -1), sealed.replace('sealed1', 'sealed9'), 'sealed1.k1.'])
      assertClosed(broken, place, sealer.openIfSealed);
  });

  it('needs a key', () => {
    assert.throws(() => createSealer([]), /empty/);
  });
});
