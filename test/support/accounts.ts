import type { Answer, CallOptions, TestApi, TestUser } from './api.ts';
import { uniqueName } from './stack.ts';

/** Account of the built-in provider, under a name of its own. */
export const testAccount = (fields: object = {}) => ({
  username: uniqueName('account'),
  provider: 'test',
  platforms: ['tiktok', 'youtube'],
  ...fields,
});

/** Speaks about accounts and groups as one user. */
export function createAccountCaller(api: TestApi, { token }: TestUser) {
  const call = (path: string, options: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1${path}`, { token, ...options });
  return {
    call,
    create: (fields: object = {}, headers: Record<string, string> = {}) =>
      call('/accounts', { json: testAccount(fields), headers }),
    make: async (fields: object = {}): Promise<string> =>
      (await call('/accounts', { json: testAccount(fields) })).body.id,
    show: async (id: string) => (await call(`/accounts/${id}`)).body,
    patch: (id: string, json: unknown) => call(`/accounts/${id}`, { method: 'PATCH', json }),
    put: (id: string, json: unknown) => call(`/accounts/${id}`, { method: 'PUT', json }),
    remove: (id: string, query = '') => call(`/accounts/${id}${query}`, { method: 'DELETE' }),
    createGroup: (fields: object = {}) => call('/groups', { json: { name: uniqueName('group'), ...fields } }),
    makeGroup: async (fields: object = {}): Promise<string> =>
      (await call('/groups', { json: { name: uniqueName('group'), ...fields } })).body.id,
    showGroup: async (id: string) => (await call(`/groups/${id}`)).body,
    patchGroup: (id: string, json: unknown) => call(`/groups/${id}`, { method: 'PATCH', json }),
    removeGroup: (id: string) => call(`/groups/${id}`, { method: 'DELETE' }),
  };
}

export type AccountCaller = ReturnType<typeof createAccountCaller>;

/** Tells a refusal in one line: status, code, and the wrong fields. */
export const refusalOf = ({ status, body }: Answer): string =>
  [status, body.code, ...(body.errors ?? []).map(({ path }: { path: string }) => path)].join(' ');

/** The types of what was told of an object, in order. */
export const typesOf = async (api: TestApi, id: string): Promise<string[]> =>
  (await api.sql('select type from events where object_id = $1 order by sequence', [id])).map(
    ({ type }) => type,
  );
