import assert from 'node:assert/strict';
import { createAddressPolicy } from '../../src/egress/addresses.ts';
import { parseDestination } from '../../src/egress/destination.ts';
import { resolveChecked } from '../../src/egress/resolver.ts';
import { type DnsRecord, type DnsServer, startDnsServer } from '../support/dnsServer.ts';
import { fetchSource } from '../support/fetching.ts';
import { type Canary, type Source, startCanary, startSource } from '../support/sources.ts';

const LOOKUPS = 1000;

const a = (value: string, name?: string): DnsRecord => ({ type: 'A', value, ...(name ? { name } : {}) });
const cname = (value: string, name?: string): DnsRecord => ({
  type: 'CNAME',
  value,
  ...(name ? { name } : {}),
});
const aaaa = (value: string): DnsRecord => ({ type: 'AAAA', value });

/** What each name has; the good server stands at 127.0.0.2, the only inner address that is allowed. */
const ZONE: Record<string, DnsRecord[]> = {
  'good.test': [a('127.0.0.2')],
  'inner.test': [a('127.0.0.1')],
  'mixed.test': [a('127.0.0.2'), a('127.0.0.1')],
  'mixed-last.test': [a('127.0.0.2'), a('127.0.0.2'), a('169.254.169.254')],
  'mixed-six.test': [a('127.0.0.2'), aaaa('::1')],
  'mapped.test': [aaaa('::ffff:7f00:1')],
  'nat64.test': [aaaa('64:ff9b::7f00:1')],
  'compat.test': [aaaa('::7f00:1')],
  'chain.test': [cname('next.test'), cname('inner.test', 'next.test'), a('127.0.0.1', 'inner.test')],
  'good-chain.test': [cname('good.test'), a('127.0.0.2', 'good.test')],
  'nobody.test': [],
};

describe('egress: names', () => {
  let good: Source;
  let canary: Canary;
  let dns: DnsServer;

  before(async () => {
    good = await startSource((_request, response) => response.end('good'), { host: '127.0.0.2' });
    canary = await startCanary([good.port]);
    dns = await startDnsServer((name, type, count) => {
      const rebound = [a(count % 2 === 0 ? '127.0.0.1' : '127.0.0.2')];
      const records = name === 'rebinding.test' ? rebound : (ZONE[name] ?? []);
      return records.filter((record) => record.type === type || record.type === 'CNAME');
    });
  });
  after(async () => {
    await Promise.all([good?.close(), canary?.close(), dns?.close()]);
  });

  const fetch = (name: string) =>
    fetchSource(`http://${name}:${good.port}/`, { allow: ['127.0.0.2/32'], resolve: dns.resolve });

  it('are refused when any of their addresses is an inner one, wherever it stands', async () => {
    assert.equal(canary.places.length > 0, true, 'the canary can be heard');
    for (const name of Object.keys(ZONE)) {
      const { error, bytes } = await fetch(name);
      const isGood = ['good.test', 'good-chain.test'].includes(name);
      assert.equal(error?.code, isGood ? undefined : 'address_not_allowed', name);
      if (!isGood)
        assert.match(
          error?.message ?? '',
          /^No connection is made to \S+: it does not exist, or it is not public$/,
          name,
        );
      assert.equal(bytes.toString(), isGood ? 'good' : '', name);
    }
    assert.equal(canary.hits, 0);
  });

  it('that change with every question lead to the checked address or nowhere', async function () {
    this.timeout(30_000);
    const outcomes = { good: 0, refused: 0 };
    for (let count = 0; count < LOOKUPS; count++) {
      const { error, bytes } = await fetch('rebinding.test');
      if (bytes.toString() === 'good') outcomes.good += 1;
      if (error?.code === 'address_not_allowed') outcomes.refused += 1;
    }
    assert.deepEqual(outcomes, { good: LOOKUPS / 2, refused: LOOKUPS / 2 });
    assert.equal(canary.hits, 0);
    assert.equal(good.requests.length >= LOOKUPS / 2, true);
  });

  it('are looked up once for each connection: the second answer is never heard', async () => {
    let asked = 0;
    const resolve = async () => (++asked === 1 ? ['127.0.0.2'] : ['127.0.0.1']);
    const { bytes } = await fetchSource(`http://once.test:${good.port}/`, {
      allow: ['127.0.0.2/32'],
      resolve,
    });
    assert.equal(bytes.toString(), 'good');
    assert.equal(asked, 1);
    assert.equal(good.requests.at(-1)?.headers.host, `once.test:${good.port}`);
  });

  it('that nobody answers for are trouble that may pass; those that do not exist are not', async () => {
    const policy = createAddressPolicy([]);
    const destination = parseDestination('http://slow.test/', policy);
    const asking = (resolve: () => Promise<string[]>) =>
      resolveChecked(destination, { resolve, policy, patienceMs: 20 }).catch((error) => error);
    const silent = await asking(() => new Promise(() => {}));
    assert.equal(silent.code, 'source_unreachable');
    const failing = await asking(() => Promise.reject(Object.assign(new Error('x'), { code: 'EAI_AGAIN' })));
    assert.equal(failing.code, 'source_unreachable');
    assert.equal(failing.retryClass, 'remote');
  });
});
