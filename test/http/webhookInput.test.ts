import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { isKnownPattern } from '../../src/domain/event.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { INNER_HOSTS, INNER_URLS } from '../support/innerAddresses.ts';
import { sample } from '../support/sample.ts';
import { startCanary } from '../support/sources.ts';
import { type Random, seededRandom } from '../support/stack.ts';
import { HOOK_URL } from '../support/webhooks.ts';

const STRINGS = 500;
/** Of them; CAMPAIGN=1 tries all. */
const NORMAL_STRINGS = 200;

/** What strings are made of that have broken something somewhere. */
const ODD = [
  ...[
    '\u202e',
    '\u2066',
    '\u200b',
    '\ufeff',
    '\0',
    '\u0007',
    '\n',
    '\r\n',
    '\t',
    '\u2028',
    '\ufffd',
    '\ud800',
    '\udfff',
  ],
  ...[
    '🎬',
    '👩‍👩‍👧',
    'é',
    'e\u0301',
    'ẞ',
    'ﬁ',
    '。',
    '．',
    '⑩',
    '日本',
    'пример',
    'مثال',
    '%00',
    '%0d%0a',
    '%2e%2e',
    '%ff',
  ],
  ...[
    '"',
    "'",
    '<script>',
    '%{x}',
    '{{x}}',
    '\\',
    '/../',
    '//',
    '@',
    '#',
    '?',
    ':',
    ';',
    '|',
    '`',
    '=',
    '&',
    '+',
    ' ',
  ],
  ...[
    'http://',
    'https://',
    'HTTPS:',
    'localhost',
    '127.1',
    '[::1]',
    '[fe80::1%25lo]',
    '[fe80::1%lo]',
    '0x7f.1',
    'xn--a',
  ],
  ...[
    'example.com',
    'xn--e1afmkfd.example',
    'a.example',
    ':80',
    ':443',
    ':0',
    ':65536',
    'user:pw@',
    '*',
    'video.*',
    'video.ready',
  ],
];

describe('what may be said of webhooks', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi({ MAX_WEBHOOKS: '100000' });
    user = await api.makeUser();
  });
  after(() => api?.close());

  const post = (json: unknown): Promise<Answer> => api.call('/v1/webhooks', { token: user.token, json });
  const change = (id: string, json: unknown): Promise<Answer> =>
    api.call(`/v1/webhooks/${id}`, { method: 'PATCH', token: user.token, json });

  const makeOdd = (random: Random, at: number): string => {
    const parts = Array.from({ length: random.int(0, 6) }, () => random.pick(ODD)).join('');
    const long = at % 50 === 0 ? random.pick(ODD).repeat(5000) : '';
    const head = at % 2 === 0 ? `https://${random.pick(['example.com/', 'münchen.example/', ''])}` : '';
    return head + parts + long;
  };
  const oddStrings = (field: string): string[] => {
    const random = seededRandom(`webhook input ${field}`);
    const all = Array.from({ length: STRINGS }, (_, at) => makeOdd(random, at));
    return sample(field, all, NORMAL_STRINGS);
  };

  const assertRefused = ({ status, body }: Answer, path: string, what: string): void => {
    assert.deepEqual([status, body.code, body.errors?.[0].path], [422, 'invalid_request', path], what);
  };

  /** Gives what comes of each odd string; some are taken, and some are not. */
  async function tryAll(
    field: string,
    send: (text: string) => Promise<Answer>,
    check: (text: string, answer: Answer) => void,
  ) {
    let taken = 0;
    for (const text of oddStrings(field)) {
      const answer = await send(text);
      if (answer.status >= 300) assertRefused(answer, field, JSON.stringify(text.slice(0, 100)));
      else {
        taken += 1;
        check(text, answer);
      }
    }
    return taken;
  }

  it('as an address is stored as the web reads it, or refused', async () => {
    const taken = await tryAll(
      'url',
      (url) => post({ url }),
      (url, { body }) => {
        const read = new URL(url);
        read.hash = '';
        assert.equal(body.url, read.href);
        assert.match(body.url, /^https?:\/\/[\x21-\x7e]+$/);
        assert.ok(body.url.length <= 8192);
        assert.doesNotMatch(read.hostname, /(^|\.)localhost\.?$|^\[/);
        assert.equal(isIP(read.hostname), 0);
        assert.deepEqual([read.username, read.password], ['', '']);
      },
    );
    assert.ok(taken > 30);
    const { body } = await api.call('/v1/webhooks?limit=100', { token: user.token });
    for (const { url } of body.data) assert.equal(new URL(url).href, url);
  });

  it('as a description comes back as it is, or is refused', async () => {
    const { id } = (await post({ url: HOOK_URL })).body;
    const taken = await tryAll(
      'description',
      (description) => change(id, { description }),
      (text, { body }) => assert.equal(body.description, text.trim()),
    );
    assert.ok(taken > 30);
  });

  it('as a type is one of those there are, or refused', async () => {
    const { id } = (await post({ url: HOOK_URL })).body;
    const send = (type: string) => change(id, { types: ['edit.*', type] });
    await tryAll('types.1', send, (type) => assert.ok(isKnownPattern(type), type));
  });

  it('is in one line of the log each, with nothing of it', async () => {
    const lines = api.logLines();
    assert.ok(lines.length >= NORMAL_STRINGS * 3);
    assert.deepEqual(
      lines.filter(({ level }) => Number(level) >= 50),
      [],
    );
    assert.doesNotMatch(JSON.stringify(lines), /very-secret|xn--|münchen|<script>/);
  });

  it('as an inner address is refused in every form, when a webhook is made and when it is changed', async () => {
    const canary = await startCanary([80, 443]);
    try {
      const { id } = (await post({ url: HOOK_URL })).body;
      const countRows = () => api.sql('select count(*) from webhooks');
      const before = await countRows();
      const urls = [...INNER_URLS, ...INNER_HOSTS.map((host) => `http://${host}/`)];
      assert.ok(urls.length >= 80);
      for (const url of urls) {
        for (const answer of [await post({ url }), await change(id, { url })]) {
          assertRefused(answer, 'url', url);
        }
      }
      assert.deepEqual(await countRows(), before);
      assert.equal((await change(id, {})).body.url, HOOK_URL);
      assert.equal(canary.hits, 0);
    } finally {
      await canary.close();
    }
  });

  it('as an inner address is taken where an operator allows it, at any port', async () => {
    const open = await startApi({ EGRESS_ALLOW_CIDRS: '10.1.0.0/16' });
    try {
      const { token } = await open.makeUser();
      const statusOf = async (url: string) =>
        (await open.call('/v1/webhooks', { token, json: { url } })).status;
      assert.equal(await statusOf('http://10.1.2.3:8080/hook'), 201);
      assert.equal(await statusOf('http://10.2.2.3:8080/hook'), 422);
    } finally {
      await open.close();
    }
  });
});
