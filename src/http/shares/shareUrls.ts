import type { Config } from '../../config.ts';
import { createSigner, nowSec } from '../../secrets/signing.ts';

/** How long a player uses one address of the bytes before it asks for the next. */
const STREAM_FOR_SEC = 600;
/** A download that breaks off goes on at the address that it began with. */
const FILE_FOR_SEC = 3600;

type SigningConfig = Pick<Config, 'PUBLIC_URL' | 'SIGNING_KEYS'>;

/** The files of a share that need a signed address. */
export type SignedFile = 'stream' | 'file';
const GOOD_FOR_SEC: Readonly<Record<SignedFile, number>> = { stream: STREAM_FOR_SEC, file: FILE_FOR_SEC };

/** What a signed address is for. */
export interface SignedFor {
  handle: string;
  shareId: string;
  sessionId: string;
}

/** Gives the absolute address of a share's page. */
export const shareUrl = ({ PUBLIC_URL }: SigningConfig, handle: string): string =>
  `${PUBLIC_URL}/s/${handle}`;

/** Gives what our addresses begin with on their host: empty, unless a proxy gives us only a part of it. */
export const basePathOf = ({ PUBLIC_URL }: Pick<Config, 'PUBLIC_URL'>): string =>
  new URL(PUBLIC_URL).pathname.replace(/\/$/, '');

/** Signs an address of bytes, for one session of one share. */
export function signFile(config: SigningConfig, file: SignedFile, { handle, shareId, sessionId }: SignedFor) {
  const expiresSec = nowSec() + GOOD_FOR_SEC[file];
  const signer = createSigner(config.SIGNING_KEYS, [shareId, sessionId]);
  const signature = signer.sign(`/s/${handle}/${file}`, expiresSec);
  const query = new URLSearchParams({ session: sessionId, ...signature });
  return { url: `${shareUrl(config, handle)}/${file}?${query}`, expiresAt: new Date(expiresSec * 1000) };
}

/** Tells whether the signature was made here, for this path, share and session, and is still good. */
export function isSigned(
  config: SigningConfig,
  path: string,
  given: { shareId: string; sessionId: string; expires: string; key: string; sig: string },
): boolean {
  const { shareId, sessionId, ...signature } = given;
  return createSigner(config.SIGNING_KEYS, [shareId, sessionId]).verify(path, signature, nowSec());
}
