import { isIPv6 } from 'node:net';

const GROUPS = 8;
/** As ::ffff:a.b.c.d is written by URL: a socket for both families names IPv4 addresses so. */
const MAPPED_IPV4 = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

/**
 * Gives what stands for one sender: an IPv4 address itself, of an IPv6 address its first 64 bits, since
 * whoever has one has all of those (RFC 6177). What is no address is given back as it is.
 */
export function toNetwork(address: string): string {
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return address;
  // URL writes every spelling of an address in the one of RFC 5952.
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const mapped = MAPPED_IPV4.exec(canonical);
  if (mapped) return toDotted(`${mapped[1]}`, `${mapped[2]}`);
  const [head = [], tail = []] = canonical.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(GROUPS - head.length - tail.length).fill('0');
  return `${[...head, ...zeros, ...tail].slice(0, GROUPS / 2).join(':')}::/64`;
}

const toDotted = (...groups: string[]): string =>
  groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
