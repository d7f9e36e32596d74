import assert from 'node:assert/strict';
import { loadConfig, makeRingKey } from '../../src/config.ts';

const publicUrl = (given: Record<string, string>) =>
  loadConfig({
    DATABASE_URL: 'postgres://somewhere',
    SIGNING_KEYS: makeRingKey('a'),
    ENCRYPTION_KEYS: makeRingKey('a'),
    PORT: '8123',
    ...given,
  }).PUBLIC_URL;

describe('the address in links', () => {
  const expected = {
    '127.0.0.1': 'http://localhost:8123',
    '0.0.0.0': 'http://localhost:8123',
    '::': 'http://localhost:8123',
    localhost: 'http://localhost:8123',
    '192.168.1.5': 'http://192.168.1.5:8123',
    'fd00::5': 'http://[fd00::5]:8123',
    'videos.lan': 'http://videos.lan:8123',
  };
  for (const [host, url] of Object.entries(expected)) {
    it(`is ${url} when the API listens on ${host}`, () => assert.equal(publicUrl({ HOST: host }), url));
  }

  it('is the one given, without a slash at its end', () =>
    assert.equal(publicUrl({ HOST: '192.168.1.5', PUBLIC_URL: 'https://v.example/' }), 'https://v.example'));
});

describe('the settings of S3', () => {
  const load = (given: Record<string, string>) =>
    loadConfig({
      DATABASE_URL: 'postgres://somewhere',
      SIGNING_KEYS: makeRingKey('a'),
      ENCRYPTION_KEYS: makeRingKey('a'),
      ...given,
    }).S3;
  const bucket = { STORAGE_DRIVER: 's3', S3_BUCKET: 'videos' };

  it('count only when the driver is s3', () => assert.equal(load({ S3_BUCKET: 'videos' }), null));

  it('need a bucket', () =>
    assert.throws(() => load({ STORAGE_DRIVER: 's3' }), { name: 'ConfigError', message: /S3_BUCKET: / }));

  it('need both halves of the credentials, or none, and never show them', () => {
    assert.equal(load(bucket)?.credentials, undefined);
    const key = { S3_ACCESS_KEY_ID: 'my-id' };
    const secret = { S3_SECRET_ACCESS_KEY: 'my-secret' };
    assert.deepEqual(load({ ...bucket, ...key, ...secret })?.credentials, {
      accessKeyId: 'my-id',
      secretAccessKey: 'my-secret',
    });
    for (const [half, absent] of [
      [key, 'S3_SECRET_ACCESS_KEY'],
      [secret, 'S3_ACCESS_KEY_ID'],
    ] as const)
      assert.throws(
        () => load({ ...bucket, ...half }),
        (error: Error) => {
          assert.match(error.message, new RegExp(`${absent}: `));
          assert.doesNotMatch(error.message, /my-/);
          return true;
        },
      );
  });
});

describe('the networks that may be fetched from', () => {
  const load = (cidrs: string) =>
    loadConfig({
      DATABASE_URL: 'postgres://somewhere',
      SIGNING_KEYS: makeRingKey('a'),
      ENCRYPTION_KEYS: makeRingKey('a'),
      EGRESS_ALLOW_CIDRS: cidrs,
    }).EGRESS_ALLOW_CIDRS;

  it('are named one by one', () => {
    assert.deepEqual(load(''), []);
    assert.deepEqual(load('10.1.0.0/16, fd00::/8'), ['10.1.0.0/16', 'fd00::/8']);
  });

  it('are none that would turn the guard off, and nothing else', () => {
    for (const cidrs of ['0.0.0.0/0', '::/0', '10.0.0.0/7', '10.0.0.1', 'localhost', '10.0.0.0/33'])
      assert.throws(() => load(cidrs), { name: 'ConfigError', message: /EGRESS_ALLOW_CIDRS: / });
  });
});

describe('the time of a receiver', () => {
  const load = (given: Record<string, string>) =>
    loadConfig({
      DATABASE_URL: 'postgres://somewhere',
      SIGNING_KEYS: makeRingKey('a'),
      ENCRYPTION_KEYS: makeRingKey('a'),
      ...given,
    }).WEBHOOK_TIMEOUT_SEC;

  it('ends well before the engine gives a ping up', () => {
    assert.equal(load({ WEBHOOK_TIMEOUT_SEC: '60' }), 60);
    assert.throws(() => load({ WEBHOOK_TIMEOUT_SEC: '61' }), /WEBHOOK_TIMEOUT_SEC/);
  });
});

describe('the keys and addresses of others', () => {
  const load = (given: Record<string, string>) =>
    loadConfig({
      DATABASE_URL: 'postgres://somewhere',
      SIGNING_KEYS: makeRingKey('a'),
      ENCRYPTION_KEYS: makeRingKey('a'),
      ...given,
    });

  it('of providers are such as a header can hold, without the space around them, and never shown', () => {
    for (const name of ['UPLOAD_POST_API_KEY', 'FLIC_TOKEN'] as const) {
      assert.equal(load({ [name]: ' a-key/with+"quotes"\n' })[name], 'a-key/with+"quotes"');
      assert.equal(load({ [name]: '' })[name], undefined);
      for (const key of ['my key', 'my-\u0000', 'my-kéy', ' ', `my-${'x'.repeat(4096)}`])
        assert.throws(() => load({ [name]: key }), {
          name: 'ConfigError',
          message: `The configuration cannot be used:\n  ${name}: expected 1 to 4096 printable ASCII characters without spaces`,
        });
    }
  });

  it('are such as paths can be put behind', () => {
    for (const name of [
      'UPLOAD_POST_BASE_URL',
      'FLIC_BASE_URL',
      'TELEGRAM_BASE_URL',
      'OPENAI_BASE_URL',
    ] as const) {
      for (const address of ['http://localhost:8123/api/', 'https://a.example'])
        assert.equal(load({ [name]: address })[name], address);
      for (const address of [
        'ftp://a.example',
        'mailto:a@a.example',
        'https://a.example/?b',
        'http://a.example#b',
        'a',
      ])
        assert.throws(() => load({ [name]: address }), {
          name: 'ConfigError',
          message: new RegExp(`${name}: `),
        });
    }
  });
});

describe('how far ahead slots are looked for', () => {
  const load = (days: string) =>
    loadConfig({
      DATABASE_URL: 'postgres://somewhere',
      SIGNING_KEYS: makeRingKey('a'),
      ENCRYPTION_KEYS: makeRingKey('a'),
      SLOT_HORIZON_DAYS: days,
    }).SLOT_HORIZON_DAYS;

  it('is a year at most', () => {
    assert.deepEqual([load('1'), load('365')], [1, 365]);
    for (const days of ['0', '366', '1.5']) assert.throws(() => load(days), /SLOT_HORIZON_DAYS/);
  });
});
