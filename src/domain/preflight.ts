/** What each platform would say of a post, as far as that is known before it goes out. */

import { BREACHES, type Breach, type Fix } from './mediaLimits.ts';
import { checkMedia, type MediaMeasures } from './mediaPreflight.ts';
import type { Platform, Provider } from './platform.ts';
import { PLATFORM_LIMITS } from './platformLimits.ts';
import type { ResolvedTarget } from './publication.ts';
import type { TextCounts } from './textCounts.ts';
import { checkTexts } from './textPreflight.ts';

/** `ok` may come with things to know; `fixable`: the video has to be encoded anew; `impossible`: refused for certain. */
export const VERDICTS = ['ok', 'fixable', 'impossible'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Finding {
  /** Stable. */
  code: string;
  verdict: Verdict;
  /** A sentence to act on, with both figures. */
  message: string;
  /** What the platform takes, and what there is; null where that is no figure. */
  limit: number | string | null;
  actual: number | string | null;
  /** What would make the video fit. */
  fix: Fix | null;
}

export interface PlatformCheck {
  platform: Platform;
  /** The worst of its findings. */
  verdict: Verdict;
  findings: Finding[];
}

export interface PostCheck {
  /** False while nobody knows what is in the video: then there are findings on texts only. */
  isMediaChecked: boolean;
  platforms: PlatformCheck[];
}

/** What a breach of a limit means; those in doubt keep nothing from being done. */
const VERDICT_OF: Record<Breach, Verdict> = { doubtful: 'ok', fixable: 'fixable', impossible: 'impossible' };

/** What a check finds, before it is judged. */
export type Breached = Omit<Finding, 'verdict' | 'fix'> & { breach: Breach; fix?: Fix | undefined };

const worstOf = (verdicts: readonly Verdict[]): Verdict =>
  VERDICTS[Math.max(0, ...verdicts.map((verdict) => VERDICTS.indexOf(verdict)))] as Verdict;

/** Of several findings of one kind, such as that of a reel and that of a story, the worst is enough. */
function keepWorst(breached: readonly Breached[]): Breached[] {
  const byCode = new Map<string, Breached>();
  const rank = ({ breach }: Breached) => BREACHES.indexOf(breach);
  for (const each of breached) {
    const known = byCode.get(each.code);
    if (!known || rank(each) > rank(known)) byCode.set(each.code, each);
  }
  return [...byCode.values()];
}

const toFinding = ({ breach, fix, ...rest }: Breached): Finding => ({
  ...rest,
  verdict: VERDICT_OF[breach],
  fix: breach === 'impossible' ? null : (fix ?? null),
});

/**
 * Checks what each platform would get against what it takes. The worst findings come first.
 *
 * @param media what the probe found; null before it did
 */
export function checkPost(post: {
  provider: Provider;
  targets: readonly ResolvedTarget[];
  media: MediaMeasures | null;
  counts: TextCounts;
}): PostCheck {
  const { provider, media, counts } = post;
  const check = (target: ResolvedTarget): PlatformCheck => {
    const breached = [
      ...checkTexts({ provider, target, counts }),
      ...(media ? checkMedia(target, media) : []),
      ...(provider === 'upload_post' ? PLATFORM_LIMITS[target.platform].notices : []).map(
        ({ code, message }): Breached => ({ code, message, breach: 'doubtful', limit: null, actual: null }),
      ),
    ];
    const findings = keepWorst(breached).map(toFinding);
    findings.sort((a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict));
    return { platform: target.platform, verdict: worstOf(findings.map(({ verdict }) => verdict)), findings };
  };
  return { isMediaChecked: media !== null, platforms: post.targets.map(check) };
}
