import { z } from 'zod';
import { CREDENTIAL_FIELDS, findServiceKey, KEY_PATTERN, KEY_RULE } from '../../domain/credentials.ts';
import type { Provider } from '../../domain/platform.ts';
import { credentialsPlace } from '../../domain/sealedPlaces.ts';
import { createSealer } from '../../secrets/sealing.ts';
import type { FieldError } from '../problem.ts';
import type { RouteRequest } from '../route.ts';

const keyField = z.string().trim().regex(KEY_PATTERN, `must be ${KEY_RULE}`);

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

type GivenCredentials = z.output<typeof credentialsField> | undefined;

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
    if (findServiceKey(provider, user.username, deps.config) !== null) return [];
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
  { deps, user }: RouteRequest,
  accountId: string,
  given: GivenCredentials,
): string | null =>
  given
    ? createSealer(deps.config.ENCRYPTION_KEYS).seal(
        JSON.stringify(given),
        credentialsPlace(user.id, accountId),
      )
    : null;
