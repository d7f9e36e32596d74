import { fieldsOf } from './fieldsOf.ts';
import type { Provider } from './platform.ts';

/** The one field of an account's credentials, as the API takes it; null where a provider needs none. */
export const CREDENTIAL_FIELDS = {
  upload_post: 'api_key',
  flic: 'flic_token',
  test: null,
} as const satisfies Record<Provider, string | null>;

/** What goes into a header as it is (RFC 9110, 5.5); anything else no provider has given out as a key. */
export const KEY_PATTERN = /^[\x21-\x7e]{1,4096}$/;
export const KEY_RULE = '1 to 4096 printable ASCII characters without spaces';

/** Gives the key from credentials as they are kept: JSON with that one field. Null for what is none. */
export function readKey(provider: Provider, credentials: string): string | null {
  const field = CREDENTIAL_FIELDS[provider];
  if (field === null) return null;
  const key = fieldOf(credentials, field);
  return typeof key === 'string' && key !== '' ? key : null;
}

/** What does not parse is no more said than anything else of it: the parser's words would show the text. */
function fieldOf(json: string, field: string): unknown {
  try {
    return fieldsOf(JSON.parse(json))[field];
  } catch {
    return null;
  }
}

/** The keys that an installation has of its own, and for whom: usernames in small letters. */
export interface ServiceCredentials {
  UPLOAD_POST_API_KEY?: string | undefined;
  FLIC_TOKEN?: string | undefined;
  SERVICE_CREDENTIALS_USERS: readonly string[];
}

const SERVICE_KEYS = { upload_post: 'UPLOAD_POST_API_KEY', flic: 'FLIC_TOKEN' } as const;

/** Gives the service's own key for the accounts of a user; null where they may not post with it, or there is none. */
export function findServiceKey(
  provider: keyof typeof SERVICE_KEYS,
  username: string | null,
  service: ServiceCredentials,
): string | null {
  const isNamed = username !== null && service.SERVICE_CREDENTIALS_USERS.includes(username.toLowerCase());
  return (isNamed && service[SERVICE_KEYS[provider]]) || null;
}
