import assert from 'node:assert/strict';
import { createNewsBell } from '../../activities/newsBell.ts';

describe('the bell of news', () => {
  const heardBy = () => {
    const bell = createNewsBell();
    const heard: string[] = [];
    const listen = (userId: string, name = userId) => bell.listen(userId, () => heard.push(name));
    return { bell, heard, listen };
  };

  it('rings for whose news it is, and for all where nobody knows', () => {
    const { bell, heard, listen } = heardBy();
    for (const userId of ['a', 'b']) listen(userId);
    listen('a', 'also a');
    bell.ring('a');
    bell.ring('c');
    assert.deepEqual(heard.splice(0), ['a', 'also a']);
    bell.ring(null);
    assert.deepEqual(heard.sort(), ['a', 'also a', 'b']);
  });

  it('is heard no more by who has left, and still by others of the same user', () => {
    const { bell, heard, listen } = heardBy();
    const leave = listen('a', 'first');
    listen('a', 'second');
    leave();
    bell.ring('a');
    assert.deepEqual(heard, ['second']);
    leave();
    bell.ring('a');
    assert.deepEqual(heard, ['second', 'second']);
  });

  it('rings for all when it stops', () => {
    const { bell, heard, listen } = heardBy();
    for (const userId of ['a', 'b']) listen(userId);
    assert.equal(bell.isStopped, false);
    bell.stop();
    assert.equal(bell.isStopped, true);
    assert.deepEqual(heard.sort(), ['a', 'b']);
  });
});
