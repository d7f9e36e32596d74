import assert from 'node:assert/strict';
import { isWithin, judgeParent, resultFilename, resultTitle } from '../../src/domain/edit.ts';
import { VIDEO_STATUSES } from '../../src/domain/video.ts';

describe('edits', () => {
  it('name their results after the first parent, and never too long', () => {
    assert.equal(resultTitle('trim', 'Rome'), 'Rome (trimmed)');
    assert.equal(resultTitle('merge', 'x'.repeat(500)).length, 500);
    assert.equal(resultFilename('trim', 'my.film.MOV'), 'my.film-trim.mp4');
    assert.equal(resultFilename('merge', 'film'), 'film-merged.mp4');
    assert.equal(resultFilename('merge', null), 'video-merged.mp4');
    assert.equal(resultFilename('trim', '.mp4'), 'video-trim.mp4');
    const long = resultFilename('trim', `${'🎬'.repeat(130)}.mp4`);
    assert.ok(long.length <= 255 && long.isWellFormed() && long.endsWith('-trim.mp4'));
  });

  it('end where a video ends, as far as a shown duration tells', () => {
    assert.ok(isWithin(2.006, 2.0056));
    assert.ok(!isWithin(2.01, 2.0056));
  });

  it('are made of what is ready, wait for what comes, and take nothing else', () => {
    const judge = (isUnwanted: boolean, hasAllBytes: boolean) =>
      Object.fromEntries(
        VIDEO_STATUSES.map((status) => [status, judgeParent({ status, isUnwanted, hasAllBytes })]),
      );
    const coming = { pending: 'coming', processing: 'coming', ready: 'ready' };
    const ended = { failed: 'unusable', cancelled: 'unusable' };
    assert.deepEqual(judge(false, false), { awaiting_upload: 'unusable', ...coming, ...ended });
    assert.deepEqual(judge(false, true), { awaiting_upload: 'coming', ...coming, ...ended });
    const unwanted = { awaiting_upload: 'unusable', pending: 'unusable', processing: 'unusable' };
    assert.deepEqual(judge(true, true), { ...unwanted, ready: 'ready', ...ended });
  });
});
