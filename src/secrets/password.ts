import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** OWASP's password storage cheat sheet: one of its equal choices for scrypt, with 32 MiB a run. */
const PARAMETERS = { cost: 2 ** 15, blockSize: 8, parallelization: 3 };
const KEY_BYTES = 32;

/**
 * How many runs at once: each takes 32 MiB and a thread of the pool that file writes use too, so a flood
 * of logins must queue here instead of slowing the uploads.
 */
const MAX_RUNS = 2;

let running = 0;
const waiting: Array<() => void> = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_RUNS) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

const derive = (password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> =>
  inTurn(
    () =>
      new Promise((resolve, reject) => {
        const { cost = 0, blockSize = 0 } = options;
        const maxmem = 2 * 128 * cost * blockSize;
        // The same letters typed on another keyboard may arrive composed differently.
        scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { ...options, maxmem }, (error, key) => {
          if (error) reject(error);
          else resolve(key);
        });
      }),
  );

/** Gives what to store for a password: the parameters, a salt of its own, and the derived key. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, PARAMETERS);
  const { cost, blockSize, parallelization } = PARAMETERS;
  return ['scrypt', cost, blockSize, parallelization, salt.toString('base64'), key.toString('base64')].join(
    '$',
  );
}

/** Stands for the password of a user that is not there; nothing derives to this key. */
const NOBODY = [
  'scrypt',
  PARAMETERS.cost,
  PARAMETERS.blockSize,
  PARAMETERS.parallelization,
  randomBytes(16).toString('base64'),
  randomBytes(KEY_BYTES).toString('base64'),
].join('$');

/**
 * Says whether the password is the one that was hashed. Takes as long for null, an unknown user, as
 * for a known one.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [scheme, cost, blockSize, parallelization, salt = '', key = ''] = (stored ?? NOBODY).split('$');
  if (scheme !== 'scrypt') throw new Error('The stored password has an unknown form');
  const derived = await derive(password, Buffer.from(salt, 'base64'), {
    cost: Number(cost),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
  });
  const isSame = timingSafeEqual(derived, Buffer.from(key, 'base64'));
  return isSame && stored !== null;
}
