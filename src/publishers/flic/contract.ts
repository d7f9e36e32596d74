/**
 * What we take to be true of Flic (Socialverse), in one place. There is no documentation: five public clients agree on
 * this, as of November 2026. No call of ours was made there.
 *
 * - `Flic-Token: <token>` beside a JSON content type.
 * - `GET /posts/generate-upload-url`: 200 with `{url, hash}`, an address to put a file to. One that is not used is seen by
 *   nobody, so this is also how a token is tried.
 * - A token that is no good gets a 401 or 403.
 */
import { fieldsOf } from '../../domain/fieldsOf.ts';

export const authorization = (token: string): Record<string, string> => ({
  'flic-token': token,
  'content-type': 'application/json',
});

export const UPLOAD_ADDRESS_PATH = 'posts/generate-upload-url';

export function hasUploadAddress(body: unknown): boolean {
  const { url, hash } = fieldsOf(body);
  return typeof url === 'string' && url !== '' && typeof hash === 'string' && hash !== '';
}
