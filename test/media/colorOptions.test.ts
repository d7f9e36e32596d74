import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { colorOptions } from '../../src/media/colorOptions.ts';

const run = promisify(execFile);

/** All that ffprobe may say (libavutil/pixdesc.c). */
const WORDS = {
  range: ['unknown', 'tv', 'pc'],
  primaries: [
    ...['reserved', 'bt709', 'unknown', 'bt470m', 'bt470bg', 'smpte170m', 'smpte240m', 'film', 'bt2020'],
    ...['smpte428', 'smpte431', 'smpte432', 'ebu3213'],
  ],
  transfer: [
    ...['reserved', 'bt709', 'unknown', 'bt470m', 'bt470bg', 'smpte170m', 'smpte240m', 'linear', 'log100'],
    ...[
      'log316',
      'iec61966-2-4',
      'bt1361e',
      'iec61966-2-1',
      'bt2020-10',
      'bt2020-12',
      'smpte2084',
      'smpte428',
    ],
    'arib-std-b67',
  ],
  space: [
    ...[
      'gbr',
      'bt709',
      'unknown',
      'reserved',
      'fcc',
      'bt470bg',
      'smpte170m',
      'smpte240m',
      'ycgco',
      'bt2020nc',
    ],
    ...['bt2020c', 'smpte2085', 'chroma-derived-nc', 'chroma-derived-c', 'ictcp'],
  ],
};

describe('the options for colours', () => {
  it('are known to ffmpeg, whatever ffprobe said', async () => {
    const turns = Math.max(...Object.values(WORDS).map(({ length }) => length));
    const outputs = Array.from({ length: turns }, (_, at) => {
      const word = (words: string[]) => words[at % words.length] as string;
      const options = colorOptions({
        ...{ range: word(WORDS.range), primaries: word(WORDS.primaries) },
        ...{ transfer: word(WORDS.transfer), space: word(WORDS.space) },
      });
      return ['-map', '0', '-frames:v', '1', '-c:v', 'libx264', ...options, '-f', 'null', '-'];
    });
    const input = ['-f', 'lavfi', '-i', 'color=s=64x64:r=1:d=1'];
    await run('ffmpeg', ['-v', 'error', '-nostdin', ...input, ...outputs.flat()]);
  });

  it('say by their own names what ffprobe calls otherwise, and leave out what nothing stands for', () => {
    const none = { range: null, primaries: null, transfer: null, space: null };
    assert.deepEqual(colorOptions({ ...none, transfer: 'bt470bg' }), ['-color_trc', 'gamma28']);
    assert.deepEqual(colorOptions({ ...none, transfer: 'bt470m' }), ['-color_trc', 'gamma22']);
    assert.deepEqual(colorOptions({ ...none, primaries: 'bt470bg' }), ['-color_primaries', 'bt470bg']);
    const nothing = { range: 'constructor', primaries: 'reserved', transfer: 'reserved', space: 'gbr' };
    assert.deepEqual(colorOptions(nothing), []);
  });
});
