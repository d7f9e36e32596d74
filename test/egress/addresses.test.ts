import assert from 'node:assert/strict';
import { createAddressPolicy } from '../../src/egress/addresses.ts';
import { readAddress } from '../../src/egress/readAddress.ts';
import { fetchSource } from '../support/fetching.ts';
import { INNER_HOSTS, INNER_URLS } from '../support/innerAddresses.ts';
import { type Canary, startCanary } from '../support/sources.ts';

describe('egress: inner addresses', () => {
  let canary: Canary;

  // The ports that are allowed: elsewhere another rule would refuse them.
  before(async () => {
    canary = await startCanary([80, 443]);
  });
  after(() => canary?.close());

  it('are refused in every form, and nobody hears of it', async function () {
    const urls = [
      ...INNER_URLS,
      ...INNER_HOSTS.flatMap((host) => [`http://${host}/a.mp4`, `https://${host}/`]),
    ];
    assert.ok(INNER_HOSTS.length >= 80 && INNER_URLS.length >= 30);
    const through: string[] = [];
    for (const url of urls) {
      const { error } = await fetchSource(url, { resolve: async () => ['127.0.0.1'] });
      if (error?.code !== 'address_not_allowed') through.push(`${url}: ${error?.code}`);
    }
    assert.deepEqual(through, []);
    assert.equal(canary.hits, 0);
    // Only root may listen at the ports of the web; without, the codes above are all that was shown.
    if (canary.places.length === 0) this.skip();
  });

  it('look the same whether somebody listens there, nobody does, or all is swallowed, and whether the name exists', async () => {
    const listening = await startCanary([0]);
    try {
      const port = listening.places[0]?.port;
      const urls = [`http://127.0.0.1:${port}/`, 'http://127.0.0.1:1/', 'http://127.0.0.1/'];
      const said = await Promise.all(urls.map(async (url) => (await fetchSource(url)).error?.message));
      assert.equal(new Set(said).size, 1);
      const answers = [
        async () => ['10.0.0.1'],
        async () => Promise.reject({ code: 'ENOTFOUND' }),
        async () => [],
      ];
      const names = await Promise.all(
        answers.map(async (resolve) => (await fetchSource('http://db.example/', { resolve })).error),
      );
      assert.equal(new Set(names.map((error) => `${error?.code} ${error?.message}`)).size, 1);
      assert.equal(listening.hits, 0);
    } finally {
      await listening.close();
    }
  });

  it('are known by names that there can be', () => {
    const odd = [
      'a..b',
      '-',
      '.local',
      '..',
      'a-.example',
      '-a.example',
      'example.-',
      'a.example..',
      'xn--a.-b',
    ];
    for (const host of odd)
      for (const url of [`http://${host}/`, `https://${host}/a?b`])
        assert.throws(() => readAddress(url, []), { code: 'address_not_allowed' }, url);
    for (const host of [
      'a-b.example',
      'a--b.example',
      'my_service',
      'example.com.',
      '1.example',
      'xn--bcher-kva.example',
    ])
      assert.equal(readAddress(`http://${host}/a#b`, []), `http://${host}/a`);
  });

  it('are allowed in the networks that were named, at any port, and public ones at those of the web', () => {
    const policy = createAddressPolicy(['10.1.0.0/16', 'fd00::/8']);
    const permitted: [string, number, boolean][] = [
      ['10.1.2.3', 8080, true],
      ['10.2.0.1', 80, false],
      ['fd00::1', 9000, true],
      ['::ffff:10.1.2.3', 80, false],
      ['93.184.215.14', 80, true],
      ['93.184.215.14', 443, true],
      ['93.184.215.14', 8080, false],
      ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', 443, true],
      ['2606:2800:21f:cb07:6820:80da:af6b:8b2c%eth0', 443, false],
      ['0x5db8d70e', 80, false],
      ['not an address', 80, false],
      ['', 80, false],
    ];
    for (const [address, port, is] of permitted) assert.equal(policy.permits(address, port), is, address);
    assert.throws(() => readAddress('http://10.1.2.3:0/', ['10.1.0.0/16']), /ports/);
  });
});
