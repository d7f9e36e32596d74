import { randomBytes } from 'node:crypto';
import { type FakeOptions, type FakeRoute, type Fakes, readKey, startFakes } from './server.ts';

export const FAKE_FLIC_TOKEN = 'flic_fake-token';

/** Flic as its tokens see it. */
export class FlicWorld {
  readonly tokens = new Set<string>();
  /** Of the addresses that were given out, in order. */
  readonly hashes: string[] = [];

  /** With one token. */
  static demo(): FlicWorld {
    const world = new FlicWorld();
    world.tokens.add(FAKE_FLIC_TOKEN);
    return world;
  }
}

/** The call that gives an address to put a file to, as the public clients have it. */
export function createFlicRoutes(world: FlicWorld): FakeRoute[] {
  return [
    {
      ...{ method: 'GET', path: '/posts/generate-upload-url', service: 'flic', refuseKey: null },
      answer: (received) => {
        if (!world.tokens.has(readKey(received) ?? ''))
          return { status: 401, body: { status: 'error', message: 'Invalid Flic-Token' } };
        const hash = randomBytes(16).toString('hex');
        world.hashes.push(hash);
        return { status: 200, body: { url: `https://uploads.flic.example/${hash}?signature=fake`, hash } };
      },
    },
  ];
}

/** What FLIC_BASE_URL is for a server with these routes. */
export const flicUrl = ({ baseUrl }: Pick<Fakes, 'baseUrl'>): string => new URL(baseUrl).origin;

/** A server with Flic alone, for tests. */
export const startFakeFlic = (world: FlicWorld, options: Omit<FakeOptions, 'routes'> = {}): Promise<Fakes> =>
  startFakes({ ...options, routes: createFlicRoutes(world) });
