import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { describeApi } from './openapi.ts';
import { notFound } from './problem.ts';
import { PROBLEMS } from './problemCodes.ts';
import { defineRoute, type Reply, type Route } from './route.ts';
import { routes } from './routes.ts';

/** The parts of swagger-ui-dist that our page loads, and nothing else of that folder. */
const ASSET_TYPES = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const;
type AssetName = keyof typeof ASSET_TYPES;

const assetFolder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>videoflow API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="docs"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  persistAuthorization: true,
  // The validator would send the document to a server of others.
  validatorUrl: null,
});
`;

/** Everything from here; the bundle draws its icons from data addresses and sets styles of its own. */
const pagePolicy = (publicUrl: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    // Requests that are tried out go to the public address, whatever the page was opened by.
    `connect-src 'self' ${new URL(publicUrl).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const page = (html: string, { PUBLIC_URL }: Config): Reply => ({
  status: 200,
  headers: {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': pagePolicy(PUBLIC_URL),
    'Cache-Control': 'no-cache',
  },
  body: html,
});

/** What all of these share: anybody may read the documentation, and it is not part of itself. */
const open = { method: 'get', tag: 'Documentation', scope: null, unlimited: true, hidden: true } as const;

interface ApiDocument {
  json: string;
  etag: string;
}

/** The document of each app, made when it is first asked for: anybody may ask, and making it is work. */
const documentOfApp = new WeakMap<Config, ApiDocument>();

function documentOf(config: Config): ApiDocument {
  const known = documentOfApp.get(config) ?? makeDocument(config);
  documentOfApp.set(config, known);
  return known;
}

function makeDocument(config: Config): ApiDocument {
  const json = JSON.stringify(describeApi(allRoutes(), config));
  return { json, etag: `"${createHash('sha256').update(json).digest('base64url')}"` };
}

const openapi = defineRoute({
  ...open,
  hidden: false,
  path: '/openapi.json',
  operationId: 'getOpenapi',
  summary: 'This document',
  responses: {
    200: { description: 'OpenAPI 3.1', contentType: 'application/json' },
    304: { description: 'Unchanged' },
  },
  handler: async ({ ctx, deps }) => {
    const { json, etag } = documentOf(deps.config);
    const headers = { 'Cache-Control': 'no-cache', ETag: etag };
    // Koa compares the request with the answer as it stands.
    ctx.status = 200;
    ctx.set(headers);
    if (ctx.fresh) return { status: 304, headers };
    return {
      status: 200,
      headers: { ...headers, 'Content-Type': 'application/json; charset=utf-8' },
      body: json,
    };
  },
});

const docs = defineRoute({
  ...open,
  path: '/docs',
  operationId: 'getDocs',
  summary: 'The interactive documentation',
  responses: { 200: { description: 'A page', contentType: 'text/html' } },
  handler: async ({ deps }) => page(PAGE, deps.config),
});

const start = defineRoute({
  ...open,
  path: '/docs/start.js',
  operationId: 'getDocsStart',
  summary: 'Starts the interactive documentation',
  responses: { 200: { description: 'A script', contentType: 'text/javascript' } },
  handler: async () => ({
    status: 200,
    headers: { 'Content-Type': 'text/javascript; charset=utf-8', 'Cache-Control': 'no-cache' },
    body: START,
  }),
});

const asset = defineRoute({
  ...open,
  path: '/docs/assets/:name',
  operationId: 'getDocsAsset',
  summary: 'A part of the interactive documentation',
  params: z.strictObject({ name: z.enum(Object.keys(ASSET_TYPES) as [AssetName, ...AssetName[]]) }),
  responses: { 200: { description: 'The part' } },
  handler: async ({ params }) => {
    const bytes = await readFile(join(assetFolder, params.name)).catch(() => null);
    if (!bytes) throw notFound();
    const headers = { 'Content-Type': ASSET_TYPES[params.name], 'Cache-Control': 'public, max-age=3600' };
    return { status: 200, headers, body: bytes };
  },
});

const problemPage = defineRoute({
  ...open,
  path: '/docs/problems',
  operationId: 'getDocsProblems',
  summary: 'What every code of a refusal means',
  responses: { 200: { description: 'A page', contentType: 'text/html' } },
  handler: async ({ deps }) => page(listProblems(), deps.config),
});

function listProblems(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, detail, retryable }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${detail}</td>` +
      `<td>${retryable ? 'yes' : 'no'}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>videoflow: codes of refusals</title></head>
<body><h1>Codes of refusals</h1>
<p>Decide by the code: it never changes its meaning. See the <a href="/docs">interactive documentation</a>.</p>
<table><tr><th>code</th><th>status</th><th>title</th><th>meaning</th><th>worth another try</th></tr>
${rows.join('\n')}
</table></body></html>
`;
}

export const docRoutes: Route[] = [openapi, docs, start, asset, problemPage];

/** The documentation documents itself, too. */
const allRoutes = (): Route[] => [...routes, ...docRoutes];
