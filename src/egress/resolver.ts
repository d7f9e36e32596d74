import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { AddressPolicy } from './addresses.ts';
import { assertPermitted, type Destination, notPublic } from './destination.ts';
import { causeOf, SourceTroubleError } from './errors.ts';

/** Gives all addresses of a name. */
export type Resolve = (name: string) => Promise<string[]>;

const PATIENCE_MS = 10_000;
/** The name does not exist, or has no address: asking again changes nothing. */
const NO_ADDRESS = ['ENOTFOUND', 'ENODATA'];

/** Asks as every program of the system does, hosts file included, in the order that it answers. */
export const askSystem: Resolve = async (name) =>
  (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);

/**
 * Gives the addresses of a destination, all of which may be connected to. Asked once: whoever connects uses
 * these, so that a second answer, which may be another one, is never heard.
 *
 * @param signal ends the waiting; whoever aborts it knows why, and says so
 * @throws AddressNotAllowedError; SourceTroubleError when the name cannot be looked up right now
 */
export async function resolveChecked(
  destination: Destination,
  {
    resolve,
    policy,
    signal,
    patienceMs = PATIENCE_MS,
  }: { resolve: Resolve; policy: AddressPolicy; signal?: AbortSignal; patienceMs?: number },
): Promise<string[]> {
  const { host, isLiteral } = destination;
  const addresses = isLiteral ? [host] : await ask(host, resolve, { signal, patienceMs });
  assertPermitted(destination, addresses, policy);
  return addresses;
}

async function ask(
  name: string,
  resolve: Resolve,
  { signal, patienceMs }: { signal: AbortSignal | undefined; patienceMs: number },
): Promise<string[]> {
  const stop = new AbortController();
  const ends = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const late = delay(patienceMs, null, { signal: ends, ref: false });
  try {
    const addresses = await Promise.race([resolve(name), late]);
    if (addresses) return [...new Set(addresses)];
  } catch (error) {
    if (NO_ADDRESS.includes((error as NodeJS.ErrnoException).code ?? '')) throw notPublic(name);
    throw notFoundNow(name, { cause: causeOf(error) });
  } finally {
    stop.abort();
    late.catch(() => {});
  }
  throw notFoundNow(name);
}

const notFoundNow = (name: string, options?: ErrorOptions): SourceTroubleError =>
  new SourceTroubleError('source_unreachable', `The name ${name} could not be looked up right now`, options);
