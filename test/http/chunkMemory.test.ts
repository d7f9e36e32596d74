import assert from 'node:assert/strict';
import { createChunkMemory } from '../../src/http/uploads/chunkMemory.ts';

describe('the memory of received chunks', () => {
  const receive = (count: number) => Array.from({ length: count }, () => Buffer.from(new ArrayBuffer(16)));
  const isGivenBack = (chunk: Buffer) => (chunk.buffer as ArrayBuffer).detached;

  it('is given back up to what was written last', () => {
    const memory = createChunkMemory();
    const chunks = receive(5);
    for (const chunk of chunks) memory.lend(chunk);
    memory.settle((chunks[3] as Buffer).subarray(4));
    assert.deepEqual(chunks.map(isGivenBack), [true, true, true, false, false]);
  });

  it('is not held on to when nothing is written', () => {
    const memory = createChunkMemory();
    const chunks = receive(5000);
    for (const chunk of chunks) memory.lend(chunk);
    memory.settle(chunks.at(-1) as Buffer);
    const count = chunks.filter(isGivenBack).length;
    assert.ok(count > 0 && count <= 1024, `${count} chunks were held`);
    assert.ok(!isGivenBack(chunks[0] as Buffer));
  });
});
