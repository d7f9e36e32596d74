import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mediaUnderTest, quietWatch } from '../../support/mediaAdapter.ts';
import { makeMedia } from '../../support/mediaFixtures.ts';
import { skipWithoutSpeech, speechWav } from '../../support/speechFixtures.ts';

const MIB = 1024 * 1024;
const LENGTH_SEC = 7200;

describe('two hours of speech', function () {
  this.timeout(1_800_000);
  let folder: string;
  let inputPath: string;

  before(async function () {
    if (!process.env.CAMPAIGN) return this.skip();
    skipWithoutSpeech(this);
    folder = await mkdtemp(join(tmpdir(), 'videoflow-hours-'));
    inputPath = join(folder, 'long.mp4');
    const { path } = await speechWav();
    const picture = ['-f', 'lavfi', '-i', `testsrc2=s=64x48:r=1:d=${LENGTH_SEC}`];
    const sound = ['-stream_loop', '-1', '-i', path];
    const codecs = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-c:a',
      'libmp3lame',
      '-t',
      String(LENGTH_SEC),
    ];
    await makeMedia(...picture, ...sound, ...codecs, inputPath);
  });
  after(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  for (const maxSec of [1390, 30])
    it(`in chunks of ${maxSec} s take little memory and disk, and tell how far they are`, async () => {
      const { media } = mediaUnderTest();
      const facts = await media.probe(inputPath, quietWatch());
      const watch = quietWatch();
      const before = process.memoryUsage.rss();
      let most = before;
      const timer = setInterval(() => {
        most = Math.max(most, process.memoryUsage.rss());
      }, 20);
      const outputPath = join(folder, 'speech');
      const limits = { maxSec, maxBytes: 24_000_000 };
      const { chunks } = await media.extractSpeech({ inputPath, outputPath, facts, limits }, watch);
      clearInterval(timer);
      assert.ok(most - before < 100 * MIB, `${Math.round((most - before) / MIB)} MiB more than before`);
      assert.ok((await stat(outputPath)).size < 30 * MIB);
      assert.ok(chunks.length >= LENGTH_SEC / maxSec && chunks.length < LENGTH_SEC / maxSec / 0.6 + 1);
      assert.ok(new Set(watch.percents).size > 20);
    });
});
