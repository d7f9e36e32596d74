import { z } from 'zod';
import type { Config } from '../../config.ts';
import { CREDENTIAL_FIELDS } from '../../domain/credentials.ts';
import type { Provider } from '../../domain/platform.ts';
import { credentialsPlace } from '../../domain/sealedPlaces.ts';
import { createSealer } from '../../secrets/sealing.ts';
import type { FieldError } from '../problem.ts';
import type { RouteRequest } from '../route.ts';

/** They travel in a header. */
const keyField = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]{1,4096}$/, 'must be 1 to 4096 printable ASCII characters without spaces');

export const credentialsField = z
  .strictObject({
    api_key: keyField
      .optional()
      .meta({ description: 'Of Upload-Post; for `upload_post`', format: 'password' }),
    flic_token: keyField.optional().meta({ description: 'For `flic`', format: 'password' }),
  })
  .nullable()
  .meta({
    description: [
      'What the provider knows you by: `{"api_key"}` for `upload_post`, `{"flic_token"}` for `flic`, nothing for `test`. Kept sealed and never',
      'shown again. Null, or nothing for a new account: those that this installation is configured with, if you may use them.',
    ].join(' '),
    writeOnly: true,
    examples: [{ api_key: 'the key of your Upload-Post account' }],
  });

export type GivenCredentials = z.output<typeof credentialsField> | undefined;

const SERVICE_KEYS = { upload_post: 'UPLOAD_POST_API_KEY', flic: 'FLIC_TOKEN' } as const;

/** Says whether a user's accounts may post with what this installation is configured with. */
function mayUseService(
  config: Config,
  username: string | null,
  provider: keyof typeof SERVICE_KEYS,
): boolean {
  const isNamed = username !== null && config.SERVICE_CREDENTIALS_USERS.includes(username.toLowerCase());
  return isNamed && Boolean(config[SERVICE_KEYS[provider]]);
}

/** Gives what is wrong with credentials for a provider; nothing of them is in there. */
export function findCredentialErrors(
  { deps, user }: RouteRequest,
  provider: Provider,
  given: GivenCredentials,
): FieldError[] {
  const path = 'credentials';
  if (provider === 'test') return given ? [{ path, message: 'must be left out: test needs none' }] : [];
  const field = CREDENTIAL_FIELDS[provider];
  if (!given) {
    if (mayUseService(deps.config, user.username, provider)) return [];
    return [{ path, message: `are needed: {"${field}"}` }];
  }
  const others = Object.keys(given).filter((name) => name !== field);
  return [
    ...(given[field] === undefined ? [{ path: `${path}.${field}`, message: 'is needed' }] : []),
    ...others.map((name) => ({ path: `${path}.${name}`, message: `is none of ${provider}'s` })),
  ];
}

/** Gives credentials as they are kept with an account, and nowhere else opened; null where it has none of its own. */
export const sealCredentials = (
  { deps }: RouteRequest,
  accountId: string,
  given: GivenCredentials,
): string | null =>
  given
    ? createSealer(deps.config.ENCRYPTION_KEYS).seal(JSON.stringify(given), credentialsPlace(accountId))
    : null;
