import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeRingKey } from '../config.ts';
import { Refusal } from './refusal.ts';
import { readState, writeState } from './stateFiles.ts';

const keyShape = z.object({ SIGNING_KEYS: z.string(), ENCRYPTION_KEYS: z.string() });
export type Keys = z.infer<typeof keyShape>;

/**
 * Gives the key rings: those of the environment, else those made once in the data folder.
 *
 * @throws Refusal in production, where keys must be given and kept outside of the data they protect
 */
export function readOrMakeKeys(env: Record<string, string | undefined>, dataDir: string): Keys {
  const missing = (['SIGNING_KEYS', 'ENCRYPTION_KEYS'] as const).filter((name) => !env[name]);
  if (missing.length > 0 && env.NODE_ENV === 'production') {
    throw new Refusal(
      `With NODE_ENV=production the keys must be given: ${missing.join(' and ')} not set. ` +
        'Make one with: echo "k1:$(openssl rand -base64 32)", keep it safe, and set it in the environment or in .env.',
    );
  }
  const file = join(dataDir, 'keys.json');
  const kept = missing.length > 0 ? readKept(file) : undefined;
  return {
    SIGNING_KEYS: env.SIGNING_KEYS || kept?.SIGNING_KEYS || '',
    ENCRYPTION_KEYS: env.ENCRYPTION_KEYS || kept?.ENCRYPTION_KEYS || '',
  };
}

function readKept(file: string): Keys {
  const kept = keyShape.safeParse(readState(file)).data;
  if (kept) return kept;
  if (existsSync(file)) {
    // New keys would make everything encrypted with the lost ones unreadable.
    throw new Refusal(
      `${file} cannot be read. Bring it back from a copy, or remove it to have new keys made.`,
    );
  }
  const made = { SIGNING_KEYS: makeRingKey('k1'), ENCRYPTION_KEYS: makeRingKey('k1') };
  writeState(file, made);
  return made;
}
