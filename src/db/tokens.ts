import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Token } from './entities/token.ts';
import { type Scope, User } from './entities/user.ts';
import type { Page } from './videos.ts';

export interface NewToken {
  userId: string;
  name: string | null;
  /** SHA-256 of the token, in hex. */
  hash: string;
  scopes: Scope[];
  expiresAt: Date | null;
}

/** Whom a living token stands for. */
export interface TokenOwner {
  tokenId: string;
  userId: string;
  username: string;
  /** What token and user both allow: a scope taken from the user is gone from its tokens too. */
  scopes: Scope[];
}

interface LiveTokenRow {
  id: string;
  user_id: string;
  username: string;
  token_scopes: Scope[];
  user_scopes: Scope[];
  is_use_noted: boolean;
}

export class TokenQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  async insert({ userId, ...columns }: NewToken): Promise<Token> {
    const user = this.#em.getReference(User, userId);
    const row = this.#em.create(Token, { ...columns, user } as RequiredEntityData<Token>);
    await this.#em.flush();
    return row;
  }

  /** The owner of a token that is neither expired nor revoked; notes its use at most once a minute. */
  async findOwner(hash: string): Promise<TokenOwner | null> {
    const [row] = await this.#em.execute<LiveTokenRow[]>(
      `select t.id, t.user_id, u.username, t.scopes as token_scopes, u.scopes as user_scopes,
              coalesce(t.last_used_at > now() - interval '1 minute', false) as is_use_noted
       from tokens t join users u on u.id = t.user_id
       where t.hash = ? and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())`,
      [hash],
    );
    if (!row) return null;
    if (!row.is_use_noted) await this.#em.nativeUpdate(Token, { id: row.id }, { lastUsedAt: new Date() });
    return {
      tokenId: row.id,
      userId: row.user_id,
      username: row.username,
      scopes: row.token_scopes.filter((scope) => row.user_scopes.includes(scope)),
    };
  }

  /** Of the tokens given, those that still allow their users to read, asked for in one statement. */
  async findReaders(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.#em.execute<{ id: string }[]>(
      `select t.id from tokens t join users u on u.id = t.user_id
       where t.id in (?) and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
         and 'read' = any(t.scopes) and 'read' = any(u.scopes)`,
      [[...ids]],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Tokens that are not revoked, newest first; one more than `limit` rows tells of a next page. */
  list(userId: string, page: Page): Promise<Token[]> {
    const before = page.beforeId ? { id: { $lt: page.beforeId } } : {};
    return this.#em.find(
      Token,
      { user: userId, revokedAt: null, ...before },
      { orderBy: { id: 'desc' }, limit: page.limit + 1 },
    );
  }

  /** Ends a token at once; `userId` null means anybody's. False when there is none to end. */
  async revoke(id: string, userId: string | null): Promise<boolean> {
    const where = { id, revokedAt: null, ...(userId === null ? {} : { user: userId }) };
    return (await this.#em.nativeUpdate(Token, where, { revokedAt: new Date() })) === 1;
  }

  /** Ends all tokens of a user but the one given. */
  async revokeAll(userId: string, exceptId: string | null): Promise<void> {
    const where = { user: userId, revokedAt: null, ...(exceptId === null ? {} : { id: { $ne: exceptId } }) };
    await this.#em.nativeUpdate(Token, where, { revokedAt: new Date() });
  }
}
