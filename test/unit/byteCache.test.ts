import assert from 'node:assert/strict';
import { createByteCache } from '../../src/http/transcripts/byteCache.ts';

describe('a cache of bytes', () => {
  const maker = (sizeBytes: number) => {
    const maker = { made: 0, make: async () => Buffer.alloc(sizeBytes * Math.sign(++maker.made)) };
    return maker;
  };

  it('makes once what is asked for, also by many at once', async () => {
    const cache = createByteCache({ maxBytes: 10 });
    const one = maker(4);
    const given = await Promise.all([1, 2, 3].map(() => cache.get('a', one.make)));
    assert.ok(given.every((bytes) => bytes === given[0]));
    assert.equal(await cache.get('a', async () => assert.fail('it is there')), given[0]);
    assert.equal(one.made, 1);
  });

  it('forgets what was not asked for the longest, and keeps nothing that is too large', async () => {
    const cache = createByteCache({ maxBytes: 10 });
    const [one, two, three, large] = [maker(4), maker(4), maker(4), maker(11)];
    await cache.get('one', one.make);
    await cache.get('two', two.make);
    await cache.get('one', one.make);
    await cache.get('three', three.make);
    for (let time = 0; time < 2; time++) await cache.get('large', large.make);
    await cache.get('one', one.make);
    await cache.get('three', three.make);
    await cache.get('two', two.make);
    assert.deepEqual([one.made, two.made, three.made, large.made], [1, 2, 1, 2]);
  });

  it('keeps nothing of what failed or is not there', async () => {
    const cache = createByteCache({ maxBytes: 10 });
    await assert.rejects(
      cache.get('a', async () => {
        throw new Error('gone');
      }),
      /gone/,
    );
    assert.equal(await cache.get('a', async () => null), null);
    assert.equal((await cache.get('a', async () => Buffer.alloc(3)))?.length, 3);
  });
});
