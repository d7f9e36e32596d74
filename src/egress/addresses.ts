import ipaddr from 'ipaddr.js';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** The ports of the web; others are only for the networks that an operator has named. */
const PORTS = [80, 443];

/**
 * What IANA has given out as global unicast of IPv6 (https://www.iana.org/assignments/ipv6-address-space).
 * A list of what is allowed, since the library calls everything that it has no name for unicast: `::7f00:1`,
 * which some systems take for 127.0.0.1, as much as blocks that nobody may use yet.
 */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

/** Public by number, inner all the same, or not of a single host. */
const NEVER = [
  // IETF protocol assignments: Teredo, benchmarking, ORCHID and what may come (RFC 2928).
  '2001::/23',
  // 6to4 holds an IPv4 address, which may be any.
  '2002::/16',
  // Azure's platform service, reachable from every machine there.
  '168.63.129.16/32',
].map((cidr) => ipaddr.parseCIDR(cidr));

/** Says which addresses may be connected to. */
export interface AddressPolicy {
  /** Whether it may be reached at all, at whatever port. */
  permitsAddress(address: string): boolean;
  permits(address: string, port: number): boolean;
  /** Whether some address may be reached at this port. */
  permitsPort(port: number): boolean;
}

/**
 * Allows what is global unicast, at the ports of the web, and everything in the networks given.
 *
 * @param allowCidrs checked by the configuration
 */
export function createAddressPolicy(allowCidrs: readonly string[]): AddressPolicy {
  const networks = allowCidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  const isAllowed = (address: string) => {
    const parsed = parse(address);
    return parsed !== null && networks.some((network) => isIn(parsed, network));
  };
  return {
    permitsAddress: (address) => isAllowed(address) || isGlobalUnicast(address),
    permits: (address, port) => isAllowed(address) || (PORTS.includes(port) && isGlobalUnicast(address)),
    permitsPort: (port) => PORTS.includes(port) || networks.length > 0,
  };
}

/** An IPv4 address in an IPv6 one stays IPv6 here, and thus is none that is allowed. */
function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  // A zone names an interface of this very machine. Of the many ways to write IPv4 only the plain one counts.
  if (address.includes('%') || !(ipaddr.IPv6.isValid(address) || ipaddr.IPv4.isValidFourPartDecimal(address)))
    return null;
  return ipaddr.parse(address);
}

function isGlobalUnicast(address: string): boolean {
  const parsed = parse(address);
  if (parsed?.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv6' && !isIn(parsed, GLOBAL_IPV6)) return false;
  return !NEVER.some((network) => isIn(parsed, network));
}

const isIn = (address: ipaddr.IPv4 | ipaddr.IPv6, network: Network): boolean =>
  address.kind() === network[0].kind() && address.match(network);
