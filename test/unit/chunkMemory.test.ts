import assert from 'node:assert/strict';
import { createChunkMemory } from '../../src/http/uploads/chunkMemory.ts';

/** A buffer with a block of its own, as the HTTP parser makes them. */
const makeChunk = (text: string) => {
  const chunk = Buffer.from(new ArrayBuffer(text.length));
  chunk.write(text);
  return chunk;
};

describe('the memory of received chunks', () => {
  it('is freed once a piece of a later chunk is written, and not before', () => {
    const memory = createChunkMemory();
    const [a, b, c] = [makeChunk('aaaa'), makeChunk('bbbb'), makeChunk('cccc')];
    for (const chunk of [a, b, c]) memory.lend(chunk);
    memory.settle(a.subarray(0, 2));
    memory.settle(a.subarray(2));
    assert.equal(a.toString(), 'aaaa');
    memory.settle(c.subarray(0, 1));
    assert.deepEqual([a.length, b.length, c.toString()], [0, 0, 'cccc']);
    memory.settle(c.subarray(1));
    assert.equal(c.toString(), 'cccc');
  });

  it('is left alone when it is shared with others, or is a copy', () => {
    const memory = createChunkMemory();
    const whole = makeChunk('shared block');
    const part = whole.subarray(0, 6);
    const next = makeChunk('next');
    memory.lend(part);
    memory.lend(next);
    memory.settle(Buffer.from('a copy'));
    memory.settle(next);
    assert.equal(whole.toString(), 'shared block');
  });
});
