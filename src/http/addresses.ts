import { readAddress } from '../egress/readAddress.ts';
import { VideoflowError } from '../errors.ts';
import { invalidRequest } from './problem.ts';

/** Signed addresses of storage services are long, but not as long as this. */
export const MAX_URL_LENGTH = 8192;

/**
 * Checks the address in the field `url` of a request, as far as that can be done without asking anybody.
 *
 * @returns the address as it is to be kept
 * @throws HttpProblem `invalid_request`
 */
export function checkAddress(url: string, allowCidrs: readonly string[]): string {
  const address = read(url, allowCidrs);
  if (address.length <= MAX_URL_LENGTH) return address;
  // One character may become nine.
  throw invalidRequest([
    { path: 'url', message: `must be at most ${MAX_URL_LENGTH} characters when it is encoded` },
  ]);
}

function read(url: string, allowCidrs: readonly string[]): string {
  try {
    return readAddress(url, allowCidrs);
  } catch (error) {
    if (!(error instanceof VideoflowError)) throw error;
    throw invalidRequest([{ path: 'url', message: error.message }]);
  }
}
