/** A secret that is watched for, wherever it may turn up. */
export interface Secret {
  name: string;
  text: string;
  /** What the text stands for, where that is the secret as well: the key of `whsec_…`, or of `id:base64`. */
  bytes?: Buffer;
  /** Too short to be known by a half of it. */
  isShort?: true;
}

/** A secret, or half of one, where it was found. */
export interface Leak {
  secret: string;
  form: string;
  place: string;
  /** What stands around it, so that one sees how it got there; for the eyes of whoever reads a failed test. */
  around: string;
}

/** Shorter pieces turn up by chance. */
const SHORTEST = 10;
const AROUND = 60;

interface Needle {
  secret: string;
  form: string;
  text: string;
}

/**
 * Looks for secrets as they are, in base64 and base64url wherever in the encoded text they begin, in hex, and encoded
 * for addresses, each also when only a half of it is left.
 */
export function createLeakFinder(secrets: readonly Secret[]) {
  const needles = secrets.flatMap(needlesOf);
  return {
    /** @param place where the text comes from */
    find(place: string, text: string): Leak[] {
      const folded = text.toLowerCase();
      return needles.flatMap(({ secret, form, text: needle }) => {
        const at = (form.startsWith('hex') ? folded : text).indexOf(needle);
        if (at < 0) return [];
        const around = text.slice(Math.max(0, at - AROUND), at + needle.length + AROUND);
        return [{ secret, form, place, around }];
      });
    },
  };
}

function needlesOf({ name, text, bytes, isShort }: Secret): Needle[] {
  const whole = [Buffer.from(text), ...(bytes ? [bytes] : [])];
  const parts = isShort ? whole : whole.flatMap(halves);
  if (parts.some((part) => part.length < SHORTEST)) throw new Error(`${name} is too short to be found`);
  const found = new Map<string, string>();
  for (const part of parts)
    for (const [form, needle] of formsOf(part)) found.set(needle, found.get(needle) ?? form);
  return [...found].map(([needle, form]) => ({ secret: name, form, text: needle }));
}

const halves = (bytes: Buffer): Buffer[] => {
  const middle = Math.floor(bytes.length / 2);
  return [bytes.subarray(0, middle), bytes.subarray(middle)];
};

function formsOf(bytes: Buffer): [form: string, needle: string][] {
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes);
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((offset) => insideBase64(bytes, offset));
  return [
    ...(isText ? ([['as it is', text]] as [string, string][]) : []),
    ...(isText ? ([['for an address', encodeURIComponent(text)]] as [string, string][]) : []),
    ['hex', hex],
    ['hex for an address', hex.replace(/../g, '%$&')],
    ...base64.map((needle): [string, string] => ['base64', needle]),
    ...base64.map((needle): [string, string] => ['base64url', toUrlSafe(needle)]),
    ...base64.map((needle): [string, string] => ['base64 for an address', encodeURIComponent(needle)]),
  ];
}

/** What of the bytes' base64 is the same whatever stands around them, when so many bytes of a group of three do before. */
function insideBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + bytes.length) * 8) / 6);
  return encoded.slice(first, last);
}

const toUrlSafe = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_');
