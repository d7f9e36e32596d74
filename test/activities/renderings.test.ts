import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ActivityDeps } from '../../activities/index.ts';
import { createRenderingActivities, type RenderOutcome } from '../../activities/renderings.ts';
import {
  DiskFullError,
  MediaToolError,
  StorageUnavailableError,
  UnusableMediaError,
  type VideoflowError,
} from '../../src/errors.ts';
import { createScratch, type Scratch } from '../../src/media/scratch.ts';
import { keepingLog } from '../support/mediaAdapter.ts';
import { FACTS } from '../support/processedVideo.ts';

const INPUT = { editId: 'an-edit', run: 1 };
const EDIT = { kind: 'trim', startSec: 1, endSec: 2, mode: 'exact' };
const PARENT = { ...FACTS, id: 'a', sourceKey: 'sources/a', sizeBytes: 1, user: { id: 'u' } };

describe('copying an edit', () => {
  let dir: string;
  let scratch: Scratch;
  let handedBack: object[];
  let logged: ReturnType<typeof keepingLog>;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vf-renderings-'));
    scratch = createScratch({ dir, log: keepingLog().log });
  });
  after(async () => {
    await scratch.dispose();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(() => {
    handedBack = [];
    logged = keepingLog();
  });

  interface World {
    edit?: object;
    fetch?: () => Promise<string>;
    /** What the record says of an edit that is handed back. */
    isOvertaken?: boolean;
  }
  /** @param copy plays ffmpeg; everything but the rows is real */
  function copyEdit(
    copy: (env: MockActivityEnvironment) => Promise<null>,
    world: World = {},
  ): Promise<RenderOutcome> {
    const env = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
    const make = () => copy(env);
    const editRecords = {
      beginAttempt: async () => ({
        outcome: 'go',
        attempt: 3,
        edit: { ...EDIT, ...world.edit },
        parents: [PARENT],
      }),
      handBack: async (attempt: object) => {
        handedBack.push(attempt);
        return world.isOvertaken ? null : { replacedKeys: [] };
      },
    };
    const deps = {
      ...{ config: { MAX_DURATION_SEC: 3600 }, db: { editRecords }, log: logged.log, scratch },
      media: { trimByCopying: make, mergeByCopying: make },
      storage: { fetch: world.fetch ?? (async () => '/a') },
    } as unknown as ActivityDeps;
    return env.run(createRenderingActivities(deps).copyEdit, INPUT);
  }
  const failing = (error: Error) => async (): Promise<never> => {
    throw error;
  };

  it('hands back what cannot be copied, unless another attempt is at work', async () => {
    assert.equal(await copyEdit(async () => null), 'must_encode');
    assert.deepEqual(handedBack, [{ editId: 'an-edit', attempt: 3 }]);
    await assert.rejects(
      copyEdit(async () => null, { isOvertaken: true }),
      { type: 'overtaken' },
    );
  });

  for (const trouble of [
    new MediaToolError('It failed'),
    new MediaToolError('It took too long', 'media_tool_timeout'),
    new UnusableMediaError('corrupt_media', 'It is broken'),
    new RangeError('Nobody foresaw this'),
  ]) {
    const name = 'code' in trouble ? (trouble as VideoflowError).code : trouble.name;
    it(`has it encoded after ${name}, and logs why`, async () => {
      for (const edit of [{}, { kind: 'merge', mode: null, fit: 'cover' }])
        assert.equal(await copyEdit(failing(trouble), { edit }), 'must_encode');
      assert.equal(handedBack.length, 2);
      assert.ok(logged.lines.some(({ msg }) => msg === 'copying failed, so it is encoded'));
    });
  }

  for (const trouble of [
    new MediaToolError('It is not there', 'media_tool_missing'),
    new DiskFullError(),
    Object.assign(new Error('no room'), { code: 'ENOSPC' }),
  ]) {
    it(`fails for ${trouble.code}, which encoding would meet as well`, async () => {
      await assert.rejects(copyEdit(failing(trouble)), (error) => error === trouble);
      assert.deepEqual(handedBack, []);
    });
  }

  it('is cancelled with whatever its tools said at their end', async () => {
    const cancelled = copyEdit(async (env) => {
      env.cancel();
      throw new MediaToolError('It was ended');
    });
    await assert.rejects(cancelled, CancelledFailure);
    assert.deepEqual(handedBack, []);
  });

  it('fails when the storage does, whatever that says', async () => {
    const away = new StorageUnavailableError('It is away');
    await assert.rejects(
      copyEdit(async () => null, { fetch: failing(away) }),
      away,
    );
    const odd = new TypeError('Nobody foresaw this');
    await assert.rejects(
      copyEdit(async () => null, { fetch: failing(odd) }),
      odd,
    );
    assert.deepEqual(handedBack, []);
  });

  it('never has encoded what was to be copied only', async () => {
    const edit = { mode: 'keyframe' };
    await assert.rejects(
      copyEdit(async () => null, { edit }),
      { code: 'not_copyable', retryClass: 'permanent', message: /exact/ },
    );
    const trouble = new MediaToolError('It failed');
    await assert.rejects(copyEdit(failing(trouble), { edit }), trouble);
    assert.deepEqual(handedBack, []);
  });
});
