import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Layer {
  /** Places of ours (folders or files) whose values may be imported. */
  values: string[];
  /** Places of which only types may be imported. */
  types?: string[];
  /** Packages that may not be imported; everything else of Node and npm may. */
  never?: RegExp;
}

const ENGINE = /^@temporalio\//;
const ORM = /^@mikro-orm\//;
const WEB = /^(koa|@koa\/|koa-)/;
const BASICS = ['src/domain', 'src/errors.ts', 'src/log.ts', 'src/config.ts', 'src/metrics.ts'];
const ADAPTERS = [
  'src/media',
  'src/storage',
  'src/secrets',
  'src/egress',
  'src/transcriber',
  'src/captions',
  'src/notifiers',
  'src/publishers',
];

/** Who may import whom: the table of docs/architecture.md. The longest matching place counts. */
const LAYERS: Record<string, Layer> = {
  'src/domain': { values: [], never: /./ },
  workflows: {
    values: ['src/domain'],
    types: ['activities'],
    never: /^(?!@temporalio\/(workflow|common)$)/,
  },
  activities: {
    values: ['src/domain', 'src/errors.ts', 'src/db', 'src/views', 'workflows/contract.ts'],
    types: ['src/flows.ts', 'src/log.ts', 'src/config.ts', ...ADAPTERS],
    never: WEB,
  },
  'src/flows.ts': {
    values: [...BASICS, 'workflows/contract.ts', 'src/flows'],
    never: /^(@mikro-orm|koa|@koa|@temporalio\/(worker|activity|workflow))/,
  },
  'src/flows': {
    values: [...BASICS, 'workflows/contract.ts'],
    never: /^(@mikro-orm|koa|@koa|@temporalio\/(worker|activity|workflow))/,
  },
  'src/http': {
    // Of the ways out only the check of an address and the count of a text: nothing is sent from here.
    values: [
      ...BASICS,
      'src/db',
      'src/views',
      'src/storage',
      'src/secrets',
      'src/timeZones.ts',
      'src/egress/readAddress.ts',
      'src/captions/countLength.ts',
    ],
    types: ['src/flows.ts'],
    never: ENGINE,
  },
  'src/db': {
    values: [...BASICS, 'src/views', 'src/secrets', 'src/timeZones.ts', 'mikro-orm.config.ts'],
    never: /^(@temporalio|koa|@koa)/,
  },
  // The objects of the API as everybody shows them: answers, events, deliveries.
  'src/views': { values: ['src/domain'], types: ['src/db/entities'], never: /^(?!zod$)/ },
  'mikro-orm.config.ts': { values: ['src/db'] },
  'src/media': { values: BASICS, never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  'src/storage': { values: BASICS, never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  // What all who speak HTTP by hand have in common.
  'src/answerHead.ts': { values: [], never: /^(?!node:)/ },
  'src/askOnce.ts': { values: ['src/answerHead.ts'], never: /^(?!node:)/ },
  // What the two adapters of services with OpenAI's API have in common; it has no errors of ours.
  'src/openaiApi': {
    values: ['src/domain', 'src/answerHead.ts'],
    never: /^(@temporalio|@mikro-orm|koa|@koa)/,
  },
  'src/transcriber': {
    values: [...BASICS, 'src/openaiApi'],
    never: /^(@temporalio|@mikro-orm|koa|@koa)/,
  },
  'src/captions': { values: [...BASICS, 'src/openaiApi'], never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  'src/notifiers': {
    values: [...BASICS, 'src/askOnce.ts'],
    never: /^(@temporalio|@mikro-orm|koa|@koa)/,
  },
  'src/egress': { values: [...BASICS, 'src/answerHead.ts'], never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  'src/publishers': {
    values: [...BASICS, 'src/askOnce.ts'],
    never: /^(@temporalio|@mikro-orm|koa|@koa)/,
  },
  // The calendar of the IANA zones, for rules that are given it.
  'src/timeZones.ts': { values: ['src/domain'], never: /^(?!temporal-polyfill$)/ },
  'src/secrets': { values: BASICS, never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  'src/config.ts': { values: ['src/domain'], never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  'src/log.ts': { values: [], never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  'src/metrics.ts': { values: [], never: /^(@temporalio|@mikro-orm|koa|@koa)/ },
  'src/errors.ts': { values: ['src/domain'], never: /./ },
  'src/server.ts': {
    values: [...BASICS, 'src/db', 'src/http', 'src/flows.ts', 'src/storage', 'src/secrets'],
  },
  // Hears of committed events and tells the engine which of its workflows have something to send.
  'src/announcer.ts': {
    values: [...BASICS, 'src/db'],
    types: ['src/flows.ts'],
    never: /^(@temporalio|@mikro-orm|koa|@koa)/,
  },
  'src/worker.ts': {
    values: [
      ...BASICS,
      'src/db',
      'src/flows.ts',
      'src/announcer.ts',
      'activities',
      'src/workflowBundle.ts',
      ...ADAPTERS,
    ],
  },
  'src/workflowBundle.ts': { values: [], never: /^(?!node:)/ },
  'src/bundleWorkflows.ts': { values: [], never: /^(?!node:|@temporalio\/worker$)/ },
  'src/local': {
    values: [...BASICS, 'src/db', 'src/secrets', 'src/workflowBundle.ts', 'workflows/contract.ts'],
  },
  // Runs on other people's machines, without the server's packages.
  'src/cli': {
    values: ['src/domain', 'src/errors.ts'],
    never: /^(?!node:|(zod|tus-js-client|cli-progress)$)/,
  },
};

interface Import {
  file: string;
  /** A place of ours, relative to the root, or a package. */
  target: string;
  isOurs: boolean;
  isType: boolean;
}

const isIn = (place: string, path: string): boolean => path === place || path.startsWith(`${place}/`);

const layerOf = (file: string): [string, Layer] | undefined =>
  Object.entries(LAYERS)
    .filter(([place]) => isIn(place, file))
    .sort(([a], [b]) => b.length - a.length)[0];

async function sourceFiles(): Promise<string[]> {
  const found = await Promise.all(
    ['src', 'workflows', 'activities'].map(async (folder) =>
      (await readdir(join(ROOT, folder), { recursive: true })).map((name) => `${folder}/${name}`),
    ),
  );
  return [
    ...found.flat().filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')),
    'mikro-orm.config.ts',
  ];
}

async function importsOf(file: string): Promise<Import[]> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?([^'"();]*?\bfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = match[4] ?? match[5] ?? '';
    const isOurs = specifier.startsWith('.');
    const names = match[3] ?? '';
    const onlyTypeNames = /^\s*\{/.test(names) && !/\{\s*(?!type\s)\w|,\s*(?!type\s)\w/.test(names);
    return {
      file,
      isOurs,
      isType: match[2] !== undefined || onlyTypeNames,
      target: isOurs ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier,
    };
  });
}

function complaint({ file, target, isOurs, isType }: Import): string | null {
  const layer = layerOf(file);
  if (!layer) return `${file} belongs to no layer of the table`;
  const [place, { values, types = [], never }] = layer;
  if (!isOurs) return never?.test(target) ? `${place} must not import ${target} (${file})` : null;
  if (isIn(place, target)) return null;
  const allowed = isType ? [...values, ...types] : values;
  if (allowed.some((other) => isIn(other, target))) return null;
  return `${file} must not import ${isType ? 'types' : 'values'} of ${target}`;
}

describe('rules: imports', () => {
  it('follow the table of who may import whom', async () => {
    const imports = (await Promise.all((await sourceFiles()).map(importsOf))).flat();
    assert.ok(imports.length > 100, 'the pattern finds the imports');
    assert.deepEqual(imports.map(complaint).filter(Boolean), []);
  });

  it('would find a forbidden one', () => {
    const bad = { isOurs: true, isType: false };
    assert.ok(complaint({ ...bad, file: 'src/http/a.ts', target: 'activities/index.ts' }));
    assert.ok(complaint({ ...bad, file: 'workflows/a.ts', target: 'activities/index.ts' }));
    assert.equal(
      complaint({ ...bad, isType: true, file: 'workflows/a.ts', target: 'activities/index.ts' }),
      null,
    );
    assert.ok(complaint({ ...bad, isOurs: false, file: 'src/media/a.ts', target: '@temporalio/activity' }));
    assert.ok(complaint({ ...bad, file: 'src/storage/a.ts', target: 'src/media/index.ts' }));
    assert.ok(complaint({ ...bad, file: 'src/cli/a.ts', target: 'src/db/index.ts' }));
    assert.ok(complaint({ ...bad, isOurs: false, file: 'src/cli/a.ts', target: 'pg' }));
  });

  it('keep the entity manager in src/db and process.env in the configuration', async () => {
    for (const file of await sourceFiles()) {
      const text = await readFile(join(ROOT, file), 'utf8');
      if (!isIn('src/db', file) && file !== 'mikro-orm.config.ts') {
        assert.ok(!ORM.test(text.match(/from '(@mikro-orm[^']*)'/)?.[1] ?? ''), `${file} imports the ORM`);
      }
      if (
        !['src/config.ts', 'src/db/createMigration.ts', 'src/cli/main.ts'].includes(file) &&
        !isIn('src/local', file)
      ) {
        assert.ok(!text.includes('process.env'), `${file} reads process.env`);
      }
    }
  });
});
