/**
 * Merging against plain ffmpeg: `node bench/merge.ts [--rounds 5]`.
 *
 * Three equal minutes of 1080p are merged by the media function alone, by `ffmpeg -f concat -c copy`, and by moviepy
 * 1.0.3 where Python has it. All take turns in one run, so that a machine that changes its mood changes it for all; a
 * round's difference compares neighbours. All run at the lowest priority, as ours always does: beside other work the
 * comparison would be one of priorities otherwise.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { createLog } from '../src/log.ts';
import { createMedia } from '../src/media/index.ts';
import { median } from './api.ts';
import { sampleVideo } from './videos.ts';

const AIM_SEC = 0.5;
const COPIES = 3;
const MOVIEPY = `
import sys
from moviepy.editor import VideoFileClip, concatenate_videoclips
clips = [VideoFileClip(path) for path in sys.argv[2:]]
concatenate_videoclips(clips).write_videofile(sys.argv[1], audio_codec='aac', logger=None)
`;

const run = promisify(execFile);
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const folder = mkdtempSync(join(tmpdir(), 'videoflow-bench-'));

const media = createMedia({
  config: {
    ...{ FFMPEG_PATH: 'ffmpeg', FFPROBE_PATH: 'ffprobe' },
    ...{ MAX_DURATION_SEC: 21_600, MAX_WIDTH: 8192, MAX_HEIGHT: 8192 },
  },
  log: createLog({ level: 'silent', program: 'bench' }),
});
const watch = { signal: new AbortController().signal, onProgress: () => {} };

async function secondsOf(work: (outputPath: string) => Promise<unknown>): Promise<number> {
  const outputFolder = join(folder, 'out');
  mkdirSync(outputFolder);
  const startedAt = performance.now();
  await work(join(outputFolder, 'merged.mp4'));
  const tookSec = (performance.now() - startedAt) / 1000;
  rmSync(outputFolder, { recursive: true });
  return tookSec;
}

const hasMoviepy = (): Promise<boolean> =>
  run('python3', ['-c', 'import moviepy; assert moviepy.__version__ == "1.0.3"']).then(
    () => true,
    () => false,
  );

const seconds = (value: number): string => value.toFixed(2);

async function main(rounds: number): Promise<void> {
  const inputPath = await sampleVideo('60 s, 1080p30');
  const facts = await media.probe(inputPath, watch);
  const inputs = Array.from({ length: COPIES }, () => ({ inputPath, facts }));
  const list = join(folder, 'list.txt');
  writeFileSync(list, inputs.map((input) => `file '${input.inputPath}'\n`).join(''));
  const ours = async (outputPath: string) => {
    const outcome = await media.mergeByCopying({ inputs, outputPath, fit: 'contain' }, watch);
    if (outcome?.method !== 'copy') throw new Error('not copied');
  };
  const plain = (outputPath: string) => {
    const options = ['-v', 'error', '-nostdin', '-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy'];
    return run('nice', ['-n', '19', 'ffmpeg', ...options, outputPath]);
  };
  const moviepy = (outputPath: string) =>
    // It leaves its own temporary files where it runs.
    run('nice', ['-n', '19', 'python3', '-c', MOVIEPY, outputPath, ...inputs.map((each) => each.inputPath)], {
      cwd: folder,
    });
  const [plainSec, oursSec]: [number[], number[]] = [[], []];
  // The first round warms up and is thrown away.
  for (let round = 0; round <= rounds; round += 1) {
    const pair = [await secondsOf(plain), await secondsOf(ours)] as const;
    if (round === 0) continue;
    plainSec.push(pair[0]);
    oursSec.push(pair[1]);
  }
  const more = median(oursSec.map((sec, at) => sec - (plainSec[at] ?? 0)));
  console.table({
    'concat -c copy': { 'median s': seconds(median(plainSec)), 'best s': seconds(Math.min(...plainSec)) },
    ours: { 'median s': seconds(median(oursSec)), 'best s': seconds(Math.min(...oursSec)) },
  });
  const verdict = more <= AIM_SEC ? 'as aimed' : 'falls short';
  console.log(
    `ours takes ${seconds(more)} s more (median of ${rounds} rounds), aim ${AIM_SEC} s: ${verdict}`,
  );
  if (!(await hasMoviepy())) console.log('moviepy 1.0.3: Python does not have it');
  else console.log(`moviepy 1.0.3, once: ${seconds(await secondsOf(moviepy))} s`);
}

try {
  await main(Number(values.rounds));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
