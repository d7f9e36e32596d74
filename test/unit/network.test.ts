import assert from 'node:assert/strict';
import { toNetwork } from '../../src/http/network.ts';

describe('the network of an address', () => {
  it('is the address itself for IPv4, in either form', () => {
    for (const [address, expected] of [
      ['192.0.2.7', '192.0.2.7'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
      ['::FFFF:c000:207', '192.0.2.7'],
    ] as const) {
      assert.equal(toNetwork(address), expected);
    }
  });

  it('is the first 64 bits of IPv6, however it is written', () => {
    for (const [address, expected] of [
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
      ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
      ['2001:db8::1', '2001:db8:0:0::/64'],
      ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
      ['::1', '0:0:0:0::/64'],
      ['::', '0:0:0:0::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ] as const) {
      assert.equal(toNetwork(address), expected, address);
    }
  });

  it('of what is no address is that', () => {
    for (const text of ['', 'unknown', '192.0.2.7:1234', '[::1]', 'a:b', '%'])
      assert.equal(toNetwork(text), text);
  });
});
