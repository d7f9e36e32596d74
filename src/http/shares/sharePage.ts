/** What a page at the address of a share shows: the player, or why there is none. */
export type SharePage = PlayerPage | EndedPage;

/** All addresses beneath `url`: `/session`, `/stream`, `/poster.jpg`, `/captions.vtt`, `/storyboard.vtt`, `/storyboard.jpg`. */
export interface PlayerPage {
  kind: 'player';
  /** Of this page, absolute. */
  url: string;
  title: string;
  description: string | null;
  /** False while the video is still being processed: there is nothing to play yet. */
  isReady: boolean;
  durationSec: number | null;
  /** As displayed, after the rotation. */
  width: number | null;
  height: number | null;
  hasPoster: boolean;
  hasStoryboard: boolean;
  hasCaptions: boolean;
  /** Absolute; null where keeping the file is not allowed. */
  downloadUrl: string | null;
}

export interface EndedPage {
  kind: 'ended';
  /** `missing`: there is no such link, or its video is gone. */
  reason: 'expired' | 'revoked' | 'used_up' | 'missing';
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
