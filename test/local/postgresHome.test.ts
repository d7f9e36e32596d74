import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findPostgresHome } from '../../src/local/postgresHome.ts';

describe('the place of the embedded Postgres', () => {
  let folder: string;
  let elsewhere: string | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(process.env.TEST_RUN_DIR ?? tmpdir(), 'home-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    if (elsewhere) rmSync(elsewhere, { recursive: true, force: true });
    elsewhere = undefined;
  });

  const find = async (isThrowAway: boolean) => {
    const { parentDir } = await findPostgresHome({ dataDir: folder, isThrowAway, say: () => undefined });
    if (parentDir !== folder) elsewhere = parentDir;
    return parentDir;
  };

  it('is the data folder where its user can go', async () => {
    chmodSync(folder, 0o711);
    assert.equal(await find(false), folder);
  });

  for (const [isThrowAway, place] of [
    [false, '/var/lib'],
    [true, '/var/tmp'],
  ] as const) {
    it(`is a folder of ours in ${place} for data that ${isThrowAway ? 'is thrown away' : 'must last'}`, async function () {
      if (process.getuid?.() !== 0) {
        console.warn('    not root: Postgres runs as this user, who reaches every folder of his');
        this.skip();
      }
      chmodSync(folder, 0o700);
      assert.equal(dirname(await find(isThrowAway)), place);
    });
  }
});
