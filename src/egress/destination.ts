import { isIP } from 'node:net';
import type { AddressPolicy } from './addresses.ts';
import { AddressNotAllowedError } from './errors.ts';

/** A checked address of the web; everything later uses these parts and never parses the text again. */
export interface Destination {
  url: URL;
  /** A name, or an IP address without brackets. */
  host: string;
  port: number;
  /** Whether `host` is an address already, so that nobody is asked for it. */
  isLiteral: boolean;
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
/** RFC 1035, 2.3.4 */
const MAX_NAME_LENGTH = 253;
/** RFC 6761, 6.3: always the machine itself. */
const LOCAL_NAME = /(^|\.)localhost\.?$/;

/**
 * Parses an address and refuses at once what is certainly not allowed; a name is only known after it was looked
 * up. The parser is the one of browsers (WHATWG), which turns all the ways to write an IPv4 address into one.
 *
 * @param base what a relative address is relative to
 * @throws AddressNotAllowedError
 */
export function parseDestination(text: string, policy: AddressPolicy, base?: URL): Destination {
  // Not `new URL` in a try: its error holds the text.
  const url = URL.parse(text, base?.href);
  const defaultPort = url ? PORTS[url.protocol] : undefined;
  if (!url || defaultPort === undefined) {
    throw new AddressNotAllowedError('The address must be a whole one that begins with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new AddressNotAllowedError('The address must not hold a user name or a password');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isLiteral = isIP(host) !== 0;
  if (host.length > MAX_NAME_LENGTH) throw notPublic('this host');
  const destination = { url, host, isLiteral, port: url.port === '' ? defaultPort : Number(url.port) };
  if (destination.port === 0) throw badPort();
  if (isLiteral) assertPermitted(destination, [host], policy);
  else if (LOCAL_NAME.test(host)) assertPermitted(destination, ['127.0.0.1'], policy);
  else if (!policy.permitsPort(destination.port)) throw badPort();
  return destination;
}

/**
 * Makes sure that every address of a destination may be connected to: were one bad one enough to be let through,
 * it would be for whoever answers to choose which is taken.
 *
 * @throws AddressNotAllowedError
 */
export function assertPermitted(
  { host, port }: Pick<Destination, 'host' | 'port'>,
  addresses: readonly string[],
  policy: AddressPolicy,
): void {
  if (addresses.length === 0 || !addresses.every((address) => policy.permitsAddress(address)))
    throw notPublic(host);
  if (!addresses.every((address) => policy.permits(address, port))) throw badPort();
}

/** The same for a name that is not there: which inner names exist is nobody's business. */
export const notPublic = (host: string): AddressNotAllowedError =>
  new AddressNotAllowedError(`No connection is made to ${host}: it does not exist, or it is not public`);

const badPort = () => new AddressNotAllowedError('Connections are made to the ports 80 and 443 only');
