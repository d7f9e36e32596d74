import { hashPassword, verifyPassword } from '../secrets/password.ts';
import { hashToken, makeToken } from '../secrets/token.ts';
import { SCOPES, type User } from './entities/user.ts';
import { createDb, type Db } from './index.ts';

export interface FirstUser {
  username: string;
  /** Empty when the user was there already with another password, which stays as it is. */
  password: string;
  /** A new token with all scopes and no expiry. */
  token: string;
}

/**
 * Makes a user with all scopes, and a token for it; safe to call again: a user that is there only gets
 * a further token. For whoever runs the service, since it needs the database's address.
 */
export async function createFirstUser(options: {
  databaseUrl: string;
  username: string;
  password: string;
}): Promise<FirstUser> {
  const username = options.username.toLowerCase();
  const db = await createDb({ databaseUrl: options.databaseUrl, poolMax: 2 });
  try {
    const user =
      (await db.users.findByUsername(username)) ?? (await insertUser(db, username, options.password));
    const token = makeToken();
    await db.tokens.insert({
      userId: user.id,
      name: 'first token',
      hash: hashToken(token),
      scopes: user.scopes,
      expiresAt: null,
    });
    const isSame = await verifyPassword(options.password, user.passwordHash);
    return { username, password: isSame ? options.password : '', token };
  } finally {
    await db.close();
  }
}

const insertUser = async (db: Db, username: string, password: string): Promise<User> =>
  db.users.insert({ username, passwordHash: await hashPassword(password), name: null, scopes: [...SCOPES] });
