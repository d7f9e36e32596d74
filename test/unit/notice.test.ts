import assert from 'node:assert/strict';
import { EVENT_TYPES } from '../../src/domain/event.ts';
import { isSwitchedOn, NOTICED_TYPES, type NoticedEvent, planNotices } from '../../src/domain/notice.ts';
import { readLinkCode } from '../../src/domain/telegram.ts';

let count = 0;
const event = (type: string, objectId = 'v', data: Record<string, unknown> = {}): NoticedEvent => {
  count += 1;
  return { id: String(count), type, objectType: type.split('.')[0] ?? '', objectId, data };
};
const plan = (types: string[], switches: Record<string, boolean> = {}) =>
  planNotices(
    types.map((type) => event(type)),
    switches,
  ).map(({ event: { type }, isBeginning }) => [type, isBeginning]);

describe('the plan of notices', () => {
  it('is made of types that there are', () => {
    for (const type of NOTICED_TYPES) assert.ok((EVENT_TYPES as readonly string[]).includes(type), type);
  });

  it('tells the newest of each object', () => {
    assert.deepEqual(plan(['video.created', 'step.running', 'video.processing', 'video.ready']), [
      ['video.ready', true],
    ]);
    const two = planNotices(
      [event('video.created', 'a'), event('video.ready', 'b'), event('video.ready', 'a')],
      {},
    );
    assert.deepEqual(two.map(({ event: { objectId } }) => objectId).sort(), ['a', 'b']);
  });

  it('begins nothing with what is switched off, or only follows, and still keeps true what is there', () => {
    assert.deepEqual(plan(['video.ready'], { 'video.ready': false }), [['video.ready', false]]);
    assert.deepEqual(plan(['video.updated']), [['video.updated', false]]);
    assert.deepEqual(plan(['video.processing', 'video.ready'], { 'video.ready': false }), [
      ['video.ready', true],
    ]);
    assert.deepEqual(plan(['video.ready', 'video.updated']), [['video.updated', true]]);
    assert.deepEqual(plan(['video.created', 'video.deleted']), [['video.deleted', false]]);
    assert.deepEqual(plan(['upload.expired']), [['upload.expired', false]]);
    assert.deepEqual(plan(['upload.expired'], { 'upload.expired': true }), [['upload.expired', true]]);
    assert.deepEqual(plan(['share.created', 'step.failed']), []);
    assert.equal(isSwitchedOn('video.ready', {}), true);
    const entry = planNotices([event('video.created', 'v', { status: 'awaiting_upload' })], {});
    assert.deepEqual(
      entry.map(({ isBeginning }) => isBeginning),
      [false],
    );
  });
});

describe('codes of links', () => {
  it('are read from a command, in groups too, and from nothing else', () => {
    const code = 'Ab_-'.repeat(8);
    for (const text of [`/start ${code}`, `/start@my_bot ${code}`, `/start  ${code} \n`])
      assert.equal(readLinkCode(text), code, text);
    for (const text of [
      '/start',
      code,
      `start ${code}`,
      `/start ${code} x`,
      `/start ${code}!`,
      '/start a',
      `x /start ${code}`,
    ])
      assert.equal(readLinkCode(text), null, text);
  });
});
