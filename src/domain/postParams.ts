/** What a post says to providers and platforms beside its texts. */
import type { Platform } from './platform.ts';

/** A provider's own field, under the name that the provider has for it. */
export type ParamValue = string | number | boolean | readonly string[];
export type ParamFields = Readonly<Record<string, ParamValue>>;

/** `params` of a post: fields for all its platforms, and under the name of a platform those for that one alone. */
export type PostParams = Readonly<Record<string, ParamValue | ParamFields>>;

/** Something that its owner should know, and that keeps nothing from being done. */
export interface PostWarning {
  /** Stable. */
  code: string;
  message: string;
  /** Whom it concerns; null for all. */
  platform: Platform | null;
}
