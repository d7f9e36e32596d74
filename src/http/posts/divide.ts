import type { Account } from '../../db/entities/account.ts';
import { checkParams, MAX_FIELDS } from '../../domain/checkParams.ts';
import type { Platform } from '../../domain/platform.ts';
import type { Wish } from './judge.ts';

/**
 * Divides what is wanted of a group between its accounts: each posts to those of the wanted platforms that it has, with
 * those of the params that are for it. What is for none of them stays with all: they say so when they are judged.
 */
export function divideWish(wish: Wish, accounts: readonly Account[]): (account: Account) => Wish {
  const ownOf = ({ platforms }: Account): readonly Platform[] =>
    wish.platforms?.filter((platform) => platforms.includes(platform)) ?? platforms;
  const suits = (account: Account, name: string): boolean =>
    checkParams(account.provider, ownOf(account), { [name]: wish.params[name] }).length === 0;
  const names = Object.keys(wish.params);
  // More than anybody takes are refused as they are, and not looked at for each account.
  const suiting =
    names.length > MAX_FIELDS ? [] : names.filter((name) => accounts.some((each) => suits(each, name)));
  return (account) => {
    const own = ownOf(account);
    const others = new Set(suiting.filter((name) => !suits(account, name)));
    return {
      ...wish,
      // One that has none of them is asked for all, and says so.
      platforms: own.length > 0 ? own : wish.platforms,
      params: Object.fromEntries(Object.entries(wish.params).filter(([name]) => !others.has(name))),
    };
  };
}
