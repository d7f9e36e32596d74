/** What a page at the address of a share shows: the player, or why there is none. */
export type SharePage = PlayerPage | EndedPage;

/** All addresses beneath `url`: `/session`, `/stream`, `/poster.jpg`, `/captions.vtt`, `/storyboard.vtt`, `/storyboard.jpg`. */
export interface PlayerPage {
  kind: 'player';
  /** Of this page, absolute. */
  url: string;
  title: string;
  description: string | null;
  /** `preparing`: there is nothing to play yet; `unavailable`: nor will there be, unless its owner does something. */
  state: 'preparing' | 'unavailable' | 'ready';
  durationSec: number | null;
  /** As displayed, after the rotation. */
  width: number | null;
  height: number | null;
  hasPoster: boolean;
  hasStoryboard: boolean;
  /** Null where there are none; their language as a BCP 47 tag, as far as known. */
  captions: { language: string | null } | null;
  /** Absolute; null where keeping the file is not allowed. */
  downloadUrl: string | null;
}

export interface EndedPage {
  kind: 'ended';
  /** `missing`: there is no such link, or its video is gone; `no_download` and `too_many`: only what was asked for is refused. */
  reason: 'expired' | 'revoked' | 'used_up' | 'missing' | 'no_download' | 'too_many';
}

/** A page as it is sent; the policy is what the page needs and nothing more. */
export interface RenderedPage {
  html: string;
  contentSecurityPolicy: string;
}

/** The answer of `/session`, as the player's script gets it. */
export interface PlayerSession {
  session: string;
  /** Where the bytes are, absolute and signed; good until `expires_at`. */
  url: string;
  expires_at: string;
}
