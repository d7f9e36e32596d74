import { createAddressPolicy } from './addresses.ts';
import { notPublic, parseDestination } from './destination.ts';

/** RFC 1123, 2.1, but for underscores, which inner names have; a dot at the end is that of the root. */
const isName = (host: string): boolean =>
  host
    .replace(/\.$/, '')
    .split('.')
    .every((label) => label !== '' && !label.startsWith('-') && !label.endsWith('-'));

/**
 * Checks an address as far as that can be done without asking anybody: what a name leads to may be another thing by
 * the time that something is fetched, and is checked then.
 *
 * @returns the address as it is to be kept
 * @throws AddressNotAllowedError
 */
export function readAddress(text: string, allowCidrs: readonly string[]): string {
  const { url, host, isLiteral } = parseDestination(text, createAddressPolicy(allowCidrs));
  if (!isLiteral && !isName(host)) throw notPublic(host);
  url.hash = '';
  return url.href;
}
