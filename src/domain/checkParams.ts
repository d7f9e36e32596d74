/** Whether `params` of a post are what its provider takes. */
import {
  PARAM_FIELDS,
  type ParamField,
  type ParamTable,
  RESERVED_PARAMS,
  SHARED_PARAM_FIELDS,
} from './paramFields.ts';
import { PLATFORMS_OF, type Platform, type Provider } from './platform.ts';
import { PLATFORM_LIMITS } from './platformLimits.ts';
import { hasControls, NO_CONTROLS } from './postTexts.ts';

export interface ParamProblem {
  /** What stands in `params` under this name is wrong; null: all of them. A name may hold dots. */
  name: string | null;
  /** `params.tiktok.privacy_level`. */
  path: string;
  message: string;
  /** Nothing is wrong with it but that the post goes to none of those that it is for. */
  isElsewhere?: true;
}

/** Of one object. */
export const MAX_FIELDS = 200;
const MAX_ITEMS = 100;
const ADDRESS = /^https?:\/\/[^\s/]\S*$/u;

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isPlatformOf = (provider: Provider, name: string): name is Platform =>
  PLATFORMS_OF[provider].some((platform) => platform === name);
const listOf = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
const namesOf = (platforms: readonly Platform[]): string =>
  platforms.map((platform) => PLATFORM_LIMITS[platform].name).join(', ');

function checkText({ maxChars }: ParamField, text: string): string | null {
  if (hasControls(text)) return NO_CONTROLS;
  if (maxChars === undefined || text.length <= maxChars) return null;
  return `must have at most ${maxChars} characters, and has ${text.length}`;
}

/** What stands before the host is a secret, and would be shown in answers and told in events. */
const hasCredentials = (address: string): boolean => {
  const { username, password } = new URL(address);
  return username !== '' || password !== '';
};

function checkAddress(field: ParamField, value: unknown): string | null {
  if (!isText(value) || !ADDRESS.test(value) || !URL.canParse(value))
    return 'must be an address that begins with http:// or https://';
  if (hasCredentials(value)) return 'must be an address without a name and a password';
  return checkText(field, value);
}

function checkNumber({ min, max }: ParamField, value: number): string | null {
  if (min !== undefined && value < min) return `must be at least ${min}`;
  return max !== undefined && value > max ? `must be at most ${max}` : null;
}

function checkList(field: ParamField, value: unknown): string | null {
  if (isText(value)) return checkText(field, value);
  if (!Array.isArray(value) || !value.every(isText))
    return 'must be a list of texts, or one text with commas';
  if (value.length > MAX_ITEMS) return `must have at most ${MAX_ITEMS} items, and has ${value.length}`;
  return checkText(field, value.join(''));
}

const CHECKS: Record<ParamField['type'], (field: ParamField, value: unknown) => string | null> = {
  text: (field, value) => (isText(value) ? checkText(field, value) : 'must be a text'),
  id: (field, value) => {
    if (Number.isSafeInteger(value)) return null;
    return isText(value) ? checkText(field, value) : 'must be a text or a whole number';
  },
  url: checkAddress,
  integer: (field, value) =>
    Number.isSafeInteger(value) ? checkNumber(field, value as number) : 'must be a whole number',
  number: (field, value) =>
    Number.isFinite(value) ? checkNumber(field, value as number) : 'must be a number',
  boolean: (_field, value) => (typeof value === 'boolean' ? null : 'must be true or false'),
  strings: checkList,
  choice: ({ values = [] }, value) =>
    isText(value) && values.includes(value) ? null : `must be one of ${values.join(', ')}`,
};

/** Says why something cannot be the value of a field; null when it can. */
export const checkField = (field: ParamField, value: unknown): string | null =>
  CHECKS[field.type](field, value);

/** Gives the field of a name, and never what every object has. */
const fieldOf = (table: ParamTable, name: string): ParamField | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Checks the value of a known field. */
type Check = (value: unknown) => Omit<ParamProblem, 'name'>[];

/** The texts of the post itself, which are no params but under the name of a platform. */
const POST_TEXTS = new Set(['title', 'description']);

function explainUnknown(name: string, path: string): string {
  if (path === 'params' && POST_TEXTS.has(name))
    return 'stands beside `params`, or in it under the name of a platform';
  return RESERVED_PARAMS.has(name) ? 'is for this service to say, and no param' : 'is not known';
}

/** Checks an object of fields. The list of what is taken is long: it stands with the first name that is not. */
function checkFields(
  path: string,
  fields: Readonly<Record<string, unknown>>,
  find: (name: string) => Check | undefined,
  listAllowed: () => readonly string[],
): ParamProblem[] {
  const entries = Object.entries(fields);
  if (entries.length > MAX_FIELDS)
    return [
      { name: null, path, message: `must have at most ${MAX_FIELDS} fields, and has ${entries.length}` },
    ];
  const firstUnknown = entries.find(([name]) => !find(name))?.[0];
  return entries.flatMap(([name, value]) => {
    const check = find(name);
    if (check) return check(value).map((problem) => ({ ...problem, name }));
    const why = explainUnknown(name, path);
    const message = name === firstUnknown ? `${why}; what is taken here: ${listOf(listAllowed())}` : why;
    return [{ name, path: `${path}.${name}`, message }];
  });
}

const checkWith =
  (path: string, fields: readonly ParamField[]): Check =>
  (value) =>
    fields
      .flatMap((field) => checkField(field, value) ?? [])
      .slice(0, 1)
      .map((message) => ({ path, message }));

/** Checks what stands under the name of a platform. */
const checkOwn =
  (platform: Platform): Check =>
  (params) => {
    const path = `params.${platform}`;
    if (!isRecord(params)) return [{ path, message: 'must be an object of fields' }];
    const table = PARAM_FIELDS[platform];
    const find = (name: string) => {
      const field = fieldOf(table, name);
      return field && checkWith(`${path}.${name}`, [field]);
    };
    return checkFields(path, params, find, () => Object.keys(table));
  };

/** Refuses a field of platforms that the post does not go to. */
function refuseElsewhere(name: string, takers: readonly Platform[]): Check | undefined {
  if (takers.length === 0) return undefined;
  const message = `is for ${namesOf(takers)}, and the post does not go there`;
  return () => [{ path: `params.${name}`, message, isElsewhere: true }];
}

/** Gives the check of a name that stands for all of some platforms, or is that of one; none where nobody knows it. */
const finderOf =
  (provider: Provider, platforms: readonly Platform[]) =>
  (name: string): Check | undefined => {
    if (isPlatformOf(provider, name)) return checkOwn(name);
    const fields = platforms.flatMap((platform) => fieldOf(SHARED_PARAM_FIELDS[platform], name) ?? []);
    if (fields.length > 0) return checkWith(`params.${name}`, fields);
    return refuseElsewhere(
      name,
      PLATFORMS_OF[provider].filter((platform) => fieldOf(SHARED_PARAM_FIELDS[platform], name)),
    );
  };

/** Gives the platforms of a provider that params are given for by their names, and that the post does not go to. */
export const findElsewhere = (
  provider: Provider,
  platforms: readonly Platform[],
  params: Readonly<Record<string, unknown>>,
): Platform[] =>
  PLATFORMS_OF[provider].filter(
    (platform) => Object.hasOwn(params, platform) && !platforms.includes(platform),
  );

/** Says whether a param is one for some platforms, and in order. */
export const takesParam = (
  provider: Provider,
  platforms: readonly Platform[],
  [name, value]: readonly [string, unknown],
): boolean =>
  findElsewhere(provider, platforms, { [name]: value }).length === 0 &&
  finderOf(provider, platforms)(name)?.(value).length === 0;

/**
 * Gives what is wrong with the params of a post that a provider is to bring to some platforms. A field for all must
 * reach one of them: else a typing error would post to everybody what was to be private. What stands under the name of
 * a platform may be for one that this post does not go to, as `findElsewhere` tells.
 */
export function checkParams(
  provider: Provider,
  platforms: readonly Platform[],
  params: Readonly<Record<string, unknown>>,
): ParamProblem[] {
  const listAllowed = () => [
    ...new Set([
      ...PLATFORMS_OF[provider],
      ...platforms.flatMap((platform) => Object.keys(SHARED_PARAM_FIELDS[platform])),
    ]),
  ];
  return checkFields('params', params, finderOf(provider, platforms), listAllowed);
}
