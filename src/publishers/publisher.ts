import type { Platform } from '../domain/platform.ts';

/** Whose credentials are asked about, and what they have to be good for. */
export interface CredentialsQuestion {
  /** A secret of the account's owner, or of the service: it must reach no error, log, row or other address. */
  key: string;
  /** How the provider knows whom it posts for. */
  username: string;
  platforms: readonly Platform[];
}

/**
 * What a provider says of credentials:
 * - `accepted`: they let us in; `hasProfile` and `missing` tell whom and what they are good for
 * - `refused`: they do not (401, 403)
 * - `undetermined`: nobody could say; `why` is a word of ours or the system's, never one of an answer
 */
export type CredentialsAnswer =
  | { outcome: 'accepted'; hasProfile: boolean; missing: Platform[] }
  | { outcome: 'refused' }
  | { outcome: 'undetermined'; why: string; retryAfterMs: number | null };

/** Brings posts to platforms. */
export interface Publisher {
  /**
   * Asks whether credentials are good; nothing comes of that which anybody could see.
   *
   * @throws what `signal` was aborted with
   */
  checkCredentials(question: CredentialsQuestion, signal: AbortSignal): Promise<CredentialsAnswer>;
}
