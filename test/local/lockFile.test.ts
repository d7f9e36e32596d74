import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const lockShape = z.object({
  packages: z.record(
    z.string(),
    z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() }),
  ),
});

describe('package-lock.json', () => {
  it("lists every platform's optional packages, without which npm ci refuses a bare clone", () => {
    const file = new URL('../../package-lock.json', import.meta.url);
    const { packages } = lockShape.parse(JSON.parse(readFileSync(file, 'utf8')));
    const isListed = (from: string, name: string) =>
      `${from}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
    const missing = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !isListed(from, name)),
    );
    assert.deepEqual(missing, []);
  });
});
