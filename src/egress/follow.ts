import type { SecureContextOptions } from 'node:tls';
import type { AddressPolicy } from './addresses.ts';
import { type Destination, parseDestination } from './destination.ts';
import { SourceRefusedError } from './errors.ts';
import { type Exchange, sendRequest } from './exchange.ts';
import { type Resolve, resolveChecked } from './resolver.ts';

/** How the way out is made: what may be reached, and who is asked for names. */
export interface WayOut {
  policy: AddressPolicy;
  resolve: Resolve;
  headMs: number;
  ca?: SecureContextOptions['ca'];
}

export interface Answer extends Exchange {
  /** Who answered in the end; all that may be said of the address. */
  host: string;
}

const REDIRECTS = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 3;

/**
 * Sends a GET and follows at most three redirects, each of which is checked like the first address.
 *
 * @throws AddressNotAllowedError; SourceRefusedError; SourceTroubleError; what `signal` was aborted with
 */
export async function followGet(
  address: string,
  request: { headers: Readonly<Record<string, string>>; signal: AbortSignal },
  { policy, resolve, ...way }: WayOut,
): Promise<Answer> {
  let destination = parseDestination(address, policy);
  for (let hops = 0; ; hops++) {
    const addresses = await resolveChecked(destination, { resolve, policy, signal: request.signal });
    const exchange = await sendRequest({ destination, addresses, ...request, ...way });
    const { response } = exchange;
    if (!REDIRECTS.includes(response.statusCode ?? 0)) return { ...exchange, host: destination.host };
    response.destroy();
    if (hops === MAX_REDIRECTS) {
      throw new SourceRefusedError(
        'source_redirects',
        `The address leads on more than ${MAX_REDIRECTS} times, at last from ${destination.host}`,
      );
    }
    destination = nextDestination(destination, response.headers.location, policy);
  }
}

function nextDestination(
  from: Destination,
  location: string | undefined,
  policy: AddressPolicy,
): Destination {
  if (!location) {
    throw new SourceRefusedError('source_redirects', `${from.host} leads on without saying where`);
  }
  const to = parseDestination(location, policy, from.url);
  if (from.url.protocol === 'https:' && to.url.protocol === 'http:') {
    throw new SourceRefusedError('source_redirects', `${from.host} leads from https to http`);
  }
  return to;
}
