import type { Context } from 'koa';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { createSigner, nowSec } from '../../secrets/signing.ts';
import type { SignPath } from '../../views/videos.ts';
import { HttpProblem, notFound } from '../problem.ts';
import type { HttpDeps, RequestUser } from '../route.ts';

/** How long an address in an answer works in a browser without a token. */
export const SIGNED_FOR_SEC = 3600;

/** What a signed address brings; spread it into the query schema of a route that takes signed addresses. */
export const signatureFields = {
  expires: z.string().optional().meta({ description: 'Of a signed address: when it ends, Unix time' }),
  key: z.string().optional().meta({ description: 'Of a signed address: the id of its key' }),
  sig: z.string().optional().meta({ description: 'Of a signed address: HMAC-SHA256' }),
};

type SigningConfig = Pick<Config, 'PUBLIC_URL' | 'SIGNING_KEYS'>;

/** Makes the function that signs the addresses of one answer, all with the same end. */
export function createSignPath(config: SigningConfig, expiresSec = nowSec() + SIGNED_FOR_SEC): SignPath {
  const signer = createSigner(config.SIGNING_KEYS);
  return (path) => {
    const signature = signer.sign(path, expiresSec);
    return `${config.PUBLIC_URL}${path}?${new URLSearchParams({ ...signature })}`;
  };
}

/**
 * Lets a signed address in, as the owner of its video. The path is what is signed, and it names the video.
 *
 * @returns null when the address is not signed at all
 * @throws HttpProblem `invalid_signature`, `not_found`
 */
export async function admitSigned({
  ctx,
  deps,
}: {
  ctx: Context;
  deps: HttpDeps;
}): Promise<RequestUser | null> {
  const { expires, key, sig } = ctx.query;
  if (expires === undefined && key === undefined && sig === undefined) return null;
  const isText = typeof expires === 'string' && typeof key === 'string' && typeof sig === 'string';
  const signer = createSigner(deps.config.SIGNING_KEYS);
  if (!isText || !signer.verify(ctx.path, { expires, key, sig }, nowSec())) {
    throw new HttpProblem('invalid_signature');
  }
  const ownerId = await deps.db.videos.findOwner(ctx.params.id);
  if (ownerId === null) throw notFound();
  return { id: ownerId, username: null, scopes: ['read'], tokenId: null };
}
