import type { MediaFacts } from '../../src/domain/media.ts';
import { createAccountCaller } from './accounts.ts';
import type { Answer, CallOptions, TestApi, TestUser } from './api.ts';
import { makeVideo } from './posting.ts';
import { FACTS, playWorker } from './processedVideo.ts';

const HOUR_MS = 3600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A time that many hours from now, as clients write it. */
export const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();

/** What every platform takes. */
export const FITTING: MediaFacts = {
  ...{ ...FACTS, durationSec: 30, sizeBytes: 5_000_000, width: 1080, height: 1920, fps: 30, rotation: 0 },
};

/** Slots at every full hour of the zone. */
export const HOURLY = { enabled: true, start_time: '00:00', end_time: '23:00', interval_minutes: 60 };

/** Speaks about posts as one user. */
export function createPostCaller(api: TestApi, user: TestUser) {
  const { token } = user;
  const accounts = createAccountCaller(api, user);
  const call = (path: string, options: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1/posts${path}`, { token, ...options });
  const create = (json: object, headers: Record<string, string> = {}) => call('', { json, headers });
  return {
    accounts,
    call,
    create,
    /** A video whose bytes are here, and that nobody has looked at yet. */
    video: () => makeVideo(api.db, user.id),
    /** One that was looked into. */
    probed: async (facts: Partial<MediaFacts> = {}): Promise<string> => {
      const id = await makeVideo(api.db, user.id);
      const worker = playWorker(api, id);
      await worker.complete('source');
      await worker.complete('probe', { facts: { ...FITTING, ...facts } });
      return id;
    },
    make: async (json: object): Promise<string> => {
      const { status, body } = await create(json);
      if (status !== 202) throw new Error(`the post was answered ${status}: ${JSON.stringify(body)}`);
      return body.id;
    },
    show: async (id: string) => (await call(`/${id}`)).body,
    list: (query = '') => call(query && `?${query}`),
    targets: (id: string) => call(`/${id}/targets`),
    patch: (id: string, json: unknown) => call(`/${id}`, { method: 'PATCH', json }),
    cancel: (id: string) => call(`/${id}`, { method: 'DELETE' }),
    preview: (json: object, headers: Record<string, string> = {}) => call('/preview', { json, headers }),
  };
}

export type PostCaller = ReturnType<typeof createPostCaller>;

/** How many rows there are of all that posts could leave behind. */
export const countRows = async (api: TestApi): Promise<unknown> =>
  (
    await api.sql(
      `select (select count(*) from posts) as posts, (select count(*) from targets) as targets,
              (select count(*) from events) as events, (select count(*) from idempotency_keys) as keys,
              (select max(updated_at) from accounts) as account`,
    )
  )[0];

/** Whether somebody is kept waiting by somebody else's transaction. */
export const isAnyoneWaiting = async (api: TestApi): Promise<boolean> =>
  (
    await api.sql(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
  ).length > 0;
