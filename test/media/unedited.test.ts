import assert from 'node:assert/strict';
import { join } from 'node:path';
import { mediaUnderTest, quietWatch, withFolder } from '../support/mediaAdapter.ts';
import { fixture, makeMedia } from '../support/mediaFixtures.ts';

/** Many recorders write none: the whole of each track is shown. */
describe('an MP4 without edit lists', () => {
  const withUnedited = (work: (inputPath: string, folder: string) => Promise<void>) =>
    withFolder(async (folder) => {
      const inputPath = join(folder, 'unedited.mp4');
      await makeMedia(
        '-i',
        await fixture('minute'),
        '-t',
        '9',
        '-c',
        'copy',
        '-use_editlist',
        '0',
        inputPath,
      );
      await work(inputPath, folder);
    });

  it('is cut between its key frames, and not encoded as a whole', () =>
    withUnedited(async (inputPath, folder) => {
      const { media } = mediaUnderTest();
      const facts = await media.probe(inputPath, quietWatch());
      const request = { inputPath, facts, outputPath: join(folder, 'cut.mp4'), startSec: 1.5, endSec: 7.5 };
      const outcome = await media.trimByCopying({ ...request, mode: 'exact' }, quietWatch());
      assert.equal(outcome?.method, 'smart');
    }));

  it('is merged just as it is', () =>
    withUnedited(async (inputPath, folder) => {
      const { media, lines } = mediaUnderTest();
      const facts = await media.probe(inputPath, quietWatch());
      const inputs = [
        { inputPath, facts },
        { inputPath, facts },
      ];
      const request = { inputs, outputPath: join(folder, 'merged.mp4'), fit: 'contain' } as const;
      assert.equal((await media.mergeByCopying(request, quietWatch()))?.method, 'copy');
      const runs = lines.filter(({ tool }) => tool === 'ffmpeg').length;
      assert.equal(runs, 2, 'the join and its check: no piece is written before');
    }));
});
