import type { Account } from '../../db/entities/account.ts';
import type { Video } from '../../db/entities/video.ts';
import type { WantedTime } from '../../db/posts.ts';
import { findMissing } from '../../domain/account.ts';
import { warnOfAccount } from '../../domain/accountWarnings.ts';
import { checkParams, findElsewhere, type ParamProblem } from '../../domain/checkParams.ts';
import type { Platform, Provider } from '../../domain/platform.ts';
import { PLATFORM_LIMITS } from '../../domain/platformLimits.ts';
import type { PostParams, PostWarning } from '../../domain/postParams.ts';
import { checkPost, type PostCheck } from '../../domain/preflight.ts';
import { type ResolvedTarget, resolveTarget } from '../../domain/publication.ts';
import type { TextCounts } from '../../domain/textCounts.ts';
import { type FieldError, HttpProblem, invalidRequest } from '../problem.ts';
import { AUTO } from './fields.ts';
import { readTime, readWallTime } from './times.ts';

/** What is wanted of one account. */
export interface Wish {
  title: string;
  description: string | null;
  /** Undefined: all of the account's. */
  platforms: readonly Platform[] | undefined;
  params: Readonly<Record<string, unknown>>;
  scheduledAt: string | null | undefined;
  /**
   * What was accepted before, and is not asked for anew. That it would be refused by now speaks against nothing; but other
   * platforms have to take the params that they meet.
   */
  kept?: readonly ('platforms' | 'params')[];
}

/** A wish as it is read for an account, and what speaks against it. */
export interface Judgement {
  account: Account;
  wish: Wish;
  /** Those of the wanted ones that the account has, or the post. */
  platforms: readonly Platform[];
  /** Null: it cannot be read. */
  time: WantedTime | null;
  /** What every platform gets. */
  targets: readonly ResolvedTarget[];
  check: PostCheck;
  warnings: readonly PostWarning[];
  /** Fields that are wrong for this account. */
  errors: readonly FieldError[];
}

/** Enough to find out what is wrong with the rest; each account of a group has its own. */
const MAX_ERRORS = 20;

const KNOWN_BY_PROBE = ['width', 'height', 'fps', 'durationSec', 'container', 'videoCodec'] as const;

/** What was found in a video; null while nobody has looked. */
function measuresOf(video: Video | null) {
  if (!video || KNOWN_BY_PROBE.every((fact) => (video[fact] ?? null) === null)) return null;
  return {
    durationSec: video.durationSec ?? null,
    sizeBytes: video.sizeBytes ?? null,
    container: video.container ?? null,
    width: video.width ?? null,
    height: video.height ?? null,
    fps: video.fps ?? null,
    videoCodec: video.videoCodec ?? null,
  };
}

/** What all accounts of a post are judged by. */
export interface Circumstances {
  video: Video | null;
  nowMs: number;
  counts: TextCounts;
}

/** Reads a wish for an account, and says what speaks against it; the state of the account and of the video apart. */
export function judgePost(account: Account, wish: Wish, { video, nowMs, counts }: Circumstances): Judgement {
  const { provider } = account;
  const wanted = wish.platforms ?? account.platforms;
  const missing = wish.kept?.includes('platforms') ? [] : findMissing(account, wanted);
  const platforms = wanted.filter((platform) => !missing.includes(platform));
  const timed = readWantedTime(wish.scheduledAt, account.timeZone, nowMs);
  const { wrong, unused } = judgeParams(provider, platforms, wish);
  const params = withoutWrong(wish.params, wrong);
  const targets = platforms.map((platform) =>
    resolveTarget({ ...wish, params, isAi: account.isAi, platform }),
  );
  const check = checkPost({ provider, targets, media: measuresOf(video), counts });
  return {
    ...{ account, wish, platforms, targets, check },
    time: timed.time,
    warnings: [
      ...warnOfAccount(account, platforms),
      ...findElsewhere(provider, platforms, wish.params).map(explainUnusedParams),
      ...unused.map(explainUnusedParam),
      ...toWarnings(targets, check),
    ],
    errors: [...explainMissing(account, missing), ...timed.errors, ...wrong.map(toFieldError)],
  };
}

/** Gives what is wrong with the params of a post, and those that were for platforms which it has gone to no more since. */
function judgeParams(provider: Provider, platforms: readonly Platform[], { params, kept = [] }: Wish) {
  const problems = checkParams(provider, platforms, params);
  if (!kept.includes('params')) return { wrong: problems, unused: [] };
  const wrong = kept.includes('platforms') ? [] : problems.filter(({ isElsewhere }) => !isElsewhere);
  return { wrong, unused: problems.filter(({ isElsewhere }) => isElsewhere) };
}

function readWantedTime(
  given: string | null | undefined,
  timeZone: string,
  nowMs: number,
): { time: WantedTime | null; errors: FieldError[] } {
  if (given === undefined || given === null) return { time: { timing: 'now' }, errors: [] };
  if (given === AUTO) return { time: { timing: 'auto' }, errors: [] };
  try {
    const dueAt = readTime(given, timeZone, nowMs);
    return { time: { timing: 'at', dueAt, timeZone, wallTime: readWallTime(given) }, errors: [] };
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error;
    return { time: null, errors: error.errors ?? [] };
  }
}

function explainMissing({ platforms }: Account, missing: readonly Platform[]): FieldError[] {
  if (missing.length === 0) return [];
  const message = `the account does not post to ${missing.join(', ')}; it has ${platforms.join(', ')}`;
  return [{ path: 'platforms', message }];
}

const toFieldError = ({ path, message }: ParamProblem): FieldError => ({ path, message });

/** What is wrong is shown to nobody as what a platform would get. */
function withoutWrong(params: Wish['params'], problems: readonly ParamProblem[]): PostParams {
  const wrong = new Set(problems.map(({ name }) => name));
  // They are wrong as a whole.
  if (wrong.has(null)) return {};
  return Object.fromEntries(Object.entries(params).filter(([name]) => !wrong.has(name))) as PostParams;
}

const explainUnusedParams = (platform: Platform): PostWarning => ({
  code: 'params_unused',
  message: `\`params.${platform}\` is for ${PLATFORM_LIMITS[platform].name} alone, and the post does not go there: nothing comes of it`,
  platform,
});

const explainUnusedParam = ({ path, message }: ParamProblem): PostWarning => ({
  code: 'params_unused',
  message: `\`${path}\` ${message}: nothing comes of it`,
  platform: null,
});

/** What its owner should know of a post that is taken all the same. */
function toWarnings(targets: readonly ResolvedTarget[], check: PostCheck): PostWarning[] {
  const found = check.platforms.flatMap(({ platform, findings }) =>
    findings
      .filter(({ verdict }) => verdict !== 'impossible')
      .map(({ code, message }) => ({ code, message, platform })),
  );
  const unused = targets
    .filter(({ isDescriptionUnused }) => isDescriptionUnused)
    .map(({ platform }) => ({
      code: 'description_unused',
      message: `${PLATFORM_LIMITS[platform].name} shows no description beside the title: this one does not appear there`,
      platform,
    }));
  return [...found, ...unused];
}

/** What refuses a wish whatever states there are; null when nothing does. */
export function refusalOfFields({ errors, check }: Judgement): HttpProblem | null {
  if (errors.length > 0) return invalidRequest(errors.slice(0, MAX_ERRORS));
  const impossible = check.platforms.flatMap(({ platform, findings }) =>
    findings
      .filter(({ verdict }) => verdict === 'impossible')
      .map(({ message }) => ({ path: `platforms.${platform}`, message })),
  );
  if (impossible.length === 0) return null;
  return new HttpProblem('preflight_failed', undefined, { errors: impossible });
}
