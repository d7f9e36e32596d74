import type { Account } from '../../db/entities/account.ts';
import { MAX_FIELDS, takesParam } from '../../domain/checkParams.ts';
import type { Platform } from '../../domain/platform.ts';
import type { Wish } from './judge.ts';

/**
 * Divides what is wanted of a group between its accounts: each posts to those of the wanted platforms that it has, with
 * those of the params that are for it. What is for none of them stays with all: they say so when they are judged.
 */
export function divideWish(wish: Wish, accounts: readonly Account[]): (account: Account) => Wish {
  const ownOf = ({ platforms }: Account): readonly Platform[] =>
    wish.platforms?.filter((platform) => platforms.includes(platform)) ?? platforms;
  const entries = Object.entries(wish.params);
  // More than anybody takes are refused as they are, and not looked at for each account.
  const looked = entries.length > MAX_FIELDS ? [] : entries;
  // Once for all accounts that are alike: there may be a thousand, and two hundred names.
  const suitingOf = remember((account: Account): ReadonlySet<string> => {
    const own = ownOf(account);
    return new Set(looked.filter((entry) => takesParam(account.provider, own, entry)).map(([name]) => name));
  });
  const suiting = new Set(accounts.flatMap((account) => [...suitingOf(account)]));
  return (account) => {
    const own = ownOf(account);
    const ofIts = suitingOf(account);
    return {
      ...wish,
      // One that has none of them is asked for all, and says so.
      platforms: own.length > 0 ? own : wish.platforms,
      params: Object.fromEntries(entries.filter(([name]) => ofIts.has(name) || !suiting.has(name))),
    };
  };
}

/** Remembers what was found for an account for those with the same platforms of the same provider. */
function remember<Found>(find: (account: Account) => Found): (account: Account) => Found {
  const known = new Map<string, Found>();
  return (account) => {
    const kind = [account.provider, ...account.platforms].join();
    const found = known.get(kind) ?? find(account);
    known.set(kind, found);
    return found;
  };
}
