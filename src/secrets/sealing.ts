import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { RingKey } from '../config.ts';
import { type RetryClass, VideoflowError } from '../errors.ts';

/** Keeps what has to be read again, but not by whoever gets hold of the database alone. */
export interface Sealer {
  /**
   * Seals a text for one place: nowhere else does it open.
   *
   * @param tiedTo names that place, as `webhook_secrets/<row id>`
   */
  seal(plain: string, tiedTo: string): string;
  /** @throws SealedTextError when it is not what was sealed for this place; UnknownKeyError when its key is not on the ring */
  open(sealed: string, tiedTo: string): string;
  /** The same for columns that also hold older texts, which were not sealed and are given as they are. */
  openIfSealed(text: string, tiedTo: string): string;
}

/** A sealed text does not open: it was changed, or moved, or sealed with another key. Nothing is told of what it holds. */
export class SealedTextError extends VideoflowError {
  readonly code: string = 'secret_unreadable';
  override readonly retryClass: RetryClass = 'blocked';

  constructor() {
    super('What is kept sealed cannot be opened; an operator has to see to its key');
  }
}

/**
 * It may be whole, but its key is not in the configuration of this process. Others may have it, as while a new key is
 * brought to them one after another.
 */
export class UnknownKeyError extends SealedTextError {
  override readonly code = 'secret_key_unknown';
  override readonly retryClass = 'outside';
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** NIST SP 800-38D, 8.2: the length for which GCM needs no more than one block. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The nonce, the key under which the text is, and the tag. */
const WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

const VERSION = '1';
/** Version, id of the ring's key, wrapped data key and text; none of the parts holds a dot. */
const ENVELOPE = /^sealed([0-9]+)\.([\w-]{1,16})\.([\w-]+)$/;

/** Says whether a text is one of ours, of whatever version. */
export const isSealed = (text: string): boolean => /^sealed[0-9]+\./.test(text);

/**
 * Makes the sealer of a key ring: the first key seals, all open, so that keys can be changed. Each text is under a random
 * key of its own, which is kept beside it under the ring's: a ring key thus encrypts 32 random bytes at a time, and
 * random nonces are good for 2^32 texts (NIST SP 800-38D, 8.3).
 */
export function createSealer(keys: readonly RingKey[]): Sealer {
  const [newest] = keys;
  if (!newest) throw new Error('The encryption key ring is empty');
  const open: Sealer['open'] = (sealed, tiedTo) => {
    const { keyId, bytes } = readEnvelope(sealed);
    const known = keys.find(({ id }) => id === keyId);
    if (!known) throw new UnknownKeyError();
    const wrapped = bytes.subarray(0, WRAPPED_BYTES);
    const dataKey = decrypt(known.bytes, wrapped, binding('key', keyId, tiedTo));
    return decrypt(dataKey, bytes.subarray(WRAPPED_BYTES), binding('text', keyId, tiedTo)).toString();
  };
  return {
    seal: (plain, tiedTo) => {
      const dataKey = randomBytes(KEY_BYTES);
      const wrapped = encrypt(newest.bytes, dataKey, binding('key', newest.id, tiedTo));
      const text = encrypt(dataKey, Buffer.from(plain), binding('text', newest.id, tiedTo));
      return `sealed${VERSION}.${newest.id}.${Buffer.concat([wrapped, text]).toString('base64url')}`;
    },
    open,
    openIfSealed: (text, tiedTo) => (isSealed(text) ? open(text, tiedTo) : text),
  };
}

/** A line per part, the free one last: no two lists of parts give the same bytes. */
const binding = (part: 'key' | 'text', keyId: string, tiedTo: string): Buffer =>
  Buffer.from(['videoflow', VERSION, part, keyId, tiedTo].join('\n'));

/** @throws SealedTextError */
function readEnvelope(sealed: string): { keyId: string; bytes: Buffer } {
  const [, version, keyId = '', encoded = ''] = ENVELOPE.exec(sealed) ?? [];
  const bytes = Buffer.from(encoded, 'base64url');
  // One spelling only: base64 has several of the same bytes.
  const isWhole = bytes.length >= WRAPPED_BYTES + NONCE_BYTES + TAG_BYTES;
  if (version !== VERSION || !isWhole || bytes.toString('base64url') !== encoded) throw new SealedTextError();
  return { keyId, bytes };
}

/** Gives nonce, ciphertext and tag in one. */
function encrypt(key: Buffer, plain: Buffer, boundTo: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws SealedTextError */
function decrypt(key: Buffer, encrypted: Buffer, boundTo: Buffer): Buffer {
  const nonce = encrypted.subarray(0, NONCE_BYTES);
  const tag = encrypted.subarray(encrypted.length - TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(boundTo)
    .setAuthTag(tag);
  const plain = decipher.update(encrypted.subarray(NONCE_BYTES, encrypted.length - TAG_BYTES));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    throw new SealedTextError();
  }
}
