import type { Received } from './receive.ts';
import {
  type FakeAnswer,
  type FakeOptions,
  type FakeRoute,
  type Fakes,
  readKey,
  startFakes,
} from './server.ts';

export const FAKE_UPLOAD_POST_KEY = 'fake-upload-post-key';

/** A platform as a profile shows it: what is connected there, or that nothing is. */
export type Connection = { username: string; display_name: string; reauth_required: boolean } | string | null;

interface Profile {
  username: string;
  created_at: string;
  social_accounts: Record<string, Connection>;
}

const refuse = (status: number, message: string): FakeAnswer => ({
  status,
  body: { success: false, message },
});

export const connected = (username: string, isLapsed = false): Connection => ({
  ...{ username, display_name: username, reauth_required: isLapsed },
});

const EVERYWHERE = [
  ...['tiktok', 'instagram', 'youtube', 'facebook', 'x', 'threads', 'linkedin', 'pinterest', 'bluesky'],
  'reddit',
];

/** Upload-Post as its keys see it: each has profiles of its own. */
export class UploadPostWorld {
  readonly keys = new Map<string, Map<string, Profile>>();

  /** With a key and two profiles: one connected everywhere, one lacking most. */
  static demo(): UploadPostWorld {
    const world = new UploadPostWorld();
    world.addProfile(FAKE_UPLOAD_POST_KEY, 'demo', EVERYWHERE);
    world.addProfile(FAKE_UPLOAD_POST_KEY, 'half', ['tiktok', 'instagram']);
    return world;
  }

  addKey(key: string): void {
    if (!this.keys.has(key)) this.keys.set(key, new Map());
  }

  revokeKey(key: string): void {
    this.keys.delete(key);
  }

  /** Makes a profile, and the key where it is new. What is not connected is shown as such. */
  addProfile(key: string, username: string, platforms: readonly string[] = []): Profile {
    this.addKey(key);
    const accounts = platforms.map((platform) => [platform, connected(`${username}-${platform}`)] as const);
    const profile = {
      username,
      created_at: new Date().toUTCString(),
      social_accounts: { tiktok: '', youtube: null, ...Object.fromEntries(accounts) },
    };
    this.keys.get(key)?.set(username, profile);
    return profile;
  }
}

/** Wraps an answer that needs a key: 401 in the words of the service without a good one. */
const withKey =
  (
    world: UploadPostWorld,
    answer: (profiles: Map<string, Profile>, key: string, received: Received) => FakeAnswer,
  ) =>
  (received: Received): FakeAnswer => {
    const key = readKey(received);
    const isApikey = String(received.headers.authorization ?? '').startsWith('Apikey ');
    const profiles = key === null || !isApikey ? undefined : world.keys.get(key);
    return profiles && key ? answer(profiles, key, received) : refuse(401, 'Invalid or expired API key');
  };

/** The calls about keys and profiles, as docs.upload-post.com has them. */
export function createUploadPostRoutes(world: UploadPostWorld): FakeRoute[] {
  const frame = { service: 'upload-post', refuseKey: null };
  const users = '/api/uploadposts/users';
  return [
    {
      ...{ ...frame, method: 'GET', path: '/api/uploadposts/me' },
      answer: withKey(world, () => ({
        ...{ status: 200, body: { success: true, email: 'owner@fake.example', plan: 'basic' } },
      })),
    },
    {
      ...{ ...frame, method: 'GET', path: users },
      answer: withKey(world, (profiles) => ({
        ...{
          status: 200,
          body: { success: true, plan: 'basic', limit: 5, profiles: [...profiles.values()] },
        },
      })),
    },
    {
      ...{ ...frame, method: 'POST', path: users },
      answer: withKey(world, (profiles, key, { json }) => {
        const { username } = (json ?? {}) as { username?: unknown };
        if (typeof username !== 'string' || username === '') return refuse(400, 'username is required');
        if (profiles.has(username)) return refuse(409, 'Profile already exists');
        return { status: 201, body: { success: true, profile: world.addProfile(key, username) } };
      }),
    },
    {
      ...{ ...frame, method: 'GET', path: `${users}/:username` },
      answer: withKey(world, (profiles, _key, { path }) => {
        const profile = profiles.get(decodeURIComponent(path.split('/').at(-1) ?? ''));
        return profile ? { status: 200, body: { success: true, profile } } : refuse(404, 'User not found');
      }),
    },
  ];
}

/** What UPLOAD_POST_BASE_URL is for a server with these routes. */
export const uploadPostUrl = ({ baseUrl }: Pick<Fakes, 'baseUrl'>): string => new URL('/api', baseUrl).href;

/** A server with Upload-Post alone, for tests. */
export const startFakeUploadPost = (
  world: UploadPostWorld,
  options: Omit<FakeOptions, 'routes'> = {},
): Promise<Fakes> => startFakes({ ...options, routes: createUploadPostRoutes(world) });
