import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { z } from 'zod';
import { notFound } from '../../problem.ts';
import { defineRoute, type Route } from '../../route.ts';

const FOLDER = new URL('./client/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Some forty kilobytes, read once: the pages name their version. */
const files = new Map(
  readdirSync(FOLDER)
    .filter((name) => extname(name) in TYPES)
    .sort()
    .map((name) => [name, readFileSync(new URL(name, FOLDER))]),
);

/** Of all of them together, since the scripts name each other without it. */
const version = [...files]
  .reduce(
    (hash, [name, bytes]) => hash.update(`${name} ${bytes.length}\n`).update(bytes),
    createHash('sha256'),
  )
  .digest('hex')
  .slice(0, 16);

/** Gives the address of a file of the player on its host, good for as long as its bytes are the same. */
export const assetPath = (basePath: string, name: string): string =>
  `${basePath}/s/assets/${version}/${name}`;

/** The scripts of the player, so that its page can ask for all of them at once. */
export const playerScripts = (basePath: string): string[] =>
  [...files.keys()]
    .filter((name) => extname(name) === '.js' && name !== 'waiting.js')
    .map((name) => assetPath(basePath, name));

const asset = defineRoute({
  method: 'get',
  path: '/s/assets/:version/:name',
  operationId: 'getPlayerAsset',
  tag: 'Sharing',
  summary: 'A part of the player page',
  scope: null,
  unlimited: true,
  hidden: true,
  params: z.strictObject({ version: z.string(), name: z.string() }),
  responses: { 200: { description: 'The part' } },
  handler: async ({ params }) => {
    const bytes = files.get(params.name);
    if (!bytes) throw notFound();
    // A page of another version, while servers are being replaced one by one: better this one than none.
    const isKnown = params.version === version;
    return {
      status: 200,
      headers: {
        'Content-Type': TYPES[extname(params.name)] ?? '',
        'Cache-Control': isKnown ? 'public, max-age=31536000, immutable' : 'no-cache',
      },
      body: bytes,
    };
  },
});

export const playerAssetRoutes: readonly Route[] = [asset];
