import { createAddressPolicy } from './addresses.ts';
import { parseDestination } from './destination.ts';

/**
 * Checks an address as far as that can be done without asking anybody: what a name leads to may be another thing by
 * the time that something is fetched, and is checked then.
 *
 * @returns the address as it is to be kept
 * @throws AddressNotAllowedError
 */
export function readAddress(text: string, allowCidrs: readonly string[]): string {
  const { url } = parseDestination(text, createAddressPolicy(allowCidrs));
  url.hash = '';
  return url.href;
}
