import { createHmac, timingSafeEqual } from 'node:crypto';

/** One key of the ring; the first signs, all verify, so that keys can be changed while links live. */
export interface SigningKey {
  id: string;
  bytes: Buffer;
}

/** What makes an address good without a token; its query parameters. */
export interface Signature {
  /** Unix time in seconds after which the address is dead. */
  expires: string;
  key: string;
  sig: string;
}

export interface Signer {
  sign(path: string, expiresSec: number): Signature;
  /** Tells whether the signature was made here for this very path and is still good. */
  verify(path: string, signature: Signature, nowSec: number): boolean;
}

/** How far the clocks of several machines may be apart. */
const CLOCK_SKEW_SEC = 60;

/** Unix time in whole seconds, as signatures have it. */
export const nowSec = (): number => Math.floor(Date.now() / 1000);

/**
 * Makes the signer of read-only addresses: one that is good for GET is good for HEAD and for nothing else.
 *
 * @param bound what its addresses are tied to beside their path, in this order and without line breaks
 */
export function createSigner(keys: readonly SigningKey[], bound: readonly string[] = []): Signer {
  const [newest] = keys;
  if (!newest) throw new Error('The signing key ring is empty');
  return {
    sign: (path, expiresSec) => {
      const expires = String(expiresSec);
      return { expires, key: newest.id, sig: mac(newest, [path, ...bound, expires]) };
    },
    verify: (path, { expires, key, sig }, nowSec) => {
      const known = keys.find(({ id }) => id === key);
      // One spelling only, so that no two addresses are the same link.
      if (!known || !/^[1-9]\d{0,11}$/.test(expires)) return false;
      return (
        isEqual(sig, mac(known, [path, ...bound, expires])) && nowSec <= Number(expires) + CLOCK_SKEW_SEC
      );
    },
  };
}

/** A line per part: none of them can hold a line break, so no two lists of parts give the same text. */
const mac = (key: SigningKey, parts: readonly string[]): string =>
  createHmac('sha256', key.bytes)
    .update(['GET', ...parts, key.id].join('\n'))
    .digest('base64url');

/** Compares the texts and not the bytes they stand for: base64 has several spellings of the same bytes. */
function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
