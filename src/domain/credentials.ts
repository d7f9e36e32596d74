import type { Provider } from './platform.ts';

/** The one field of an account's credentials, as the API takes it; null where a provider needs none. */
export const CREDENTIAL_FIELDS = {
  upload_post: 'api_key',
  flic: 'flic_token',
  test: null,
} as const satisfies Record<Provider, string | null>;

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
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : null;
  } catch {
    return null;
  }
}
