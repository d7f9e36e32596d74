import { type AccountColumns, UnusableGroupError } from '../../db/accounts.ts';
import type { Account } from '../../db/entities/account.ts';
import { DEFAULT_AUTOPOSTING, DEFAULT_LATE_POLICY } from '../../domain/account.ts';
import { PLATFORMS_OF, type Platform, type Provider } from '../../domain/platform.ts';
import { isTimeZone } from '../../domain/timeZone.ts';
import { type FieldError, invalidRequest } from '../problem.ts';
import type { RouteRequest } from '../route.ts';
import { findCredentialErrors, sealCredentials } from './credentials.ts';
import { type AccountFields, findPlatformErrors, toColumns } from './fields.ts';

/** Columns of an account that says nothing of itself but what has to be said. */
async function defaultColumns(request: RouteRequest, { timezone }: AccountFields) {
  const { isEnabled, days, ...window } = DEFAULT_AUTOPOSTING;
  return {
    ...window,
    ...DEFAULT_LATE_POLICY,
    ...{ isAutoposting: isEnabled, days: [...days], isAi: false, groupId: null, isPaused: false },
    timeZone: timezone ?? (await zoneOfUser(request)),
  };
}

async function zoneOfUser({ deps, user }: RouteRequest): Promise<string> {
  const owner = await deps.db.users.find(user.id);
  // Users may have been given one before it was known to be none.
  return owner && isTimeZone(owner.timeZone) ? owner.timeZone : 'UTC';
}

/** The platforms of a provider that has only one need not be said. */
function platformsOf(provider: Provider, platforms: Platform[] | undefined): Platform[] {
  const [only, ...others] = PLATFORMS_OF[provider];
  return platforms ?? (only && others.length === 0 ? [only] : []);
}

/** Gives all columns from fields that say everything anew. @throws HttpProblem `invalid_request` */
export async function toWholeColumns(
  request: RouteRequest,
  provider: Provider,
  fields: AccountFields & { username: string },
): Promise<Omit<AccountColumns, 'sealedCredentials'>> {
  const platforms = platformsOf(provider, fields.platforms);
  if (platforms.length === 0) throw invalidRequest([{ path: 'platforms', message: 'must be given' }]);
  return {
    ...(await defaultColumns(request, fields)),
    ...toColumns(fields),
    ...{ username: fields.username, platforms },
  };
}

/** Checks what depends on the provider. @throws HttpProblem `invalid_request` */
export function checkNew(request: RouteRequest, provider: Provider, fields: AccountFields): void {
  refuse([
    ...findPlatformErrors(provider, fields.platforms),
    ...findCredentialErrors(request, provider, fields.credentials),
  ]);
}

/** Checks what depends on the account; credentials that are left out are kept. @throws HttpProblem `invalid_request` */
export function checkChanges(request: RouteRequest, account: Account, fields: AccountFields): void {
  const { provider } = account;
  const isKept = fields.credentials === undefined;
  refuse([
    ...findIdentityErrors(account, fields),
    ...findPlatformErrors(provider, fields.platforms),
    ...(isKept ? [] : findCredentialErrors(request, provider, fields.credentials)),
  ]);
}

function findIdentityErrors(account: Account, { provider, user_id }: AccountFields): FieldError[] {
  const message = 'cannot be changed; make another account';
  const isOtherLabel = user_id !== undefined && user_id !== (account.userLabel ?? null);
  return [
    ...(provider !== undefined && provider !== account.provider ? [{ path: 'provider', message }] : []),
    ...(isOtherLabel ? [{ path: 'user_id', message }] : []),
  ];
}

function refuse(errors: FieldError[]): void {
  if (errors.length > 0) throw invalidRequest(errors);
}

/** Gives the column of credentials that were given; none for those that are kept, or that nobody needs. */
export function toCredentialsColumn(
  request: RouteRequest,
  { id, provider }: Pick<Account, 'id' | 'provider'>,
  { credentials }: AccountFields,
): Pick<AccountColumns, 'sealedCredentials'> | Record<string, never> {
  if (credentials === undefined || provider === 'test') return {};
  return { sealedCredentials: sealCredentials(request, id, credentials) };
}

/** Says of a group that an account cannot be in which field that was. */
export async function namingGroup<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof UnusableGroupError)) throw error;
    throw invalidRequest([{ path: 'group', message: error.message }]);
  }
}
