/**
 * How long an exact trim takes beside encoding the same range, the media functions alone:
 * `node bench/trim.ts [--rounds 3] [--only "10 s"]`. Both in turns in one run, on ten minutes of 1080p; the aims are ratios, so that
 * they hold on any machine. Beside them moviepy 1.0.3, where Python has it, at the lowest priority as ours always is.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { MediaFacts } from '../src/domain/media.ts';
import { createLog } from '../src/log.ts';
import { createMedia, type Watch } from '../src/media/index.ts';
import { median } from './api.ts';
import { tenMinutes } from './videos.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, only: { type: 'string', default: '' } },
});
const rounds = Number(values.rounds);

interface Case {
  name: string;
  gop: 60 | 250;
  lengthSec: number;
  /** Of the time encoding takes. */
  aim: number;
  /** Minutes of encoding are not repeated. */
  isLong: boolean;
}

const CASES: Case[] = [
  { name: '10 s, key frames 2 s apart', gop: 60, lengthSec: 10, aim: 0.6, isLong: false },
  { name: '10 s, key frames 8.3 s apart', gop: 250, lengthSec: 10, aim: 1.1, isLong: false },
  { name: '5 min, key frames 2 s apart', gop: 60, lengthSec: 300, aim: 0.1, isLong: true },
];

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'videoflow-bench-'));
const media = createMedia({
  config: {
    ...{
      FFMPEG_PATH: process.env.FFMPEG_PATH ?? 'ffmpeg',
      FFPROBE_PATH: process.env.FFPROBE_PATH ?? 'ffprobe',
    },
    ...{ MAX_DURATION_SEC: 3600, MAX_WIDTH: 8192, MAX_HEIGHT: 8192 },
  },
  log: createLog({ level: 'error', program: 'bench' }),
});
const watch: Watch = { signal: new AbortController().signal, onProgress: () => undefined };

async function timed<T>(work: () => Promise<T>): Promise<{ sec: number; result: T }> {
  const startedAt = performance.now();
  const result = await work();
  return { sec: (performance.now() - startedAt) / 1000, result };
}

const hasMoviepy = (): Promise<boolean> =>
  run('python3', ['-c', 'import moviepy; assert moviepy.__version__ == "1.0.3"']).then(
    () => true,
    () => false,
  );

/** What a person did before, with its defaults. */
const MOVIEPY = `
import sys
from moviepy.editor import VideoFileClip
source, start, end, output = sys.argv[1:]
VideoFileClip(source).subclip(float(start), float(end)).write_videofile(output, codec="libx264", audio_codec="aac", logger=None)
`;

interface Range {
  inputPath: string;
  facts: MediaFacts;
  startSec: number;
  endSec: number;
}

/** As the product does it: by copying, and by encoding where that gives nothing. */
async function trim(range: Range, outputPath: string): Promise<string> {
  const request = { ...range, outputPath, mode: 'exact' as const };
  const copied = await media.trimByCopying(request, watch);
  return (copied ?? (await media.trimByEncoding(request, watch))).method;
}

async function measure({ name, gop, lengthSec, aim, isLong }: Case, withMoviepy: boolean) {
  const inputPath = await tenMinutes(gop);
  const facts = await media.probe(inputPath, watch);
  const [trims, encodes, moviepies]: [number[], number[], number[]] = [[], [], []];
  const methods = new Set<string>();
  for (let round = 0; round < (isLong ? 1 : rounds); round++) {
    // Another place within its group of pictures each time.
    const startSec = 100.4 + round * 37.77;
    const range = { inputPath, facts, startSec, endSec: startSec + lengthSec };
    const outputPath = join(folder, 'result.mp4');
    const trimmed = await timed(() => trim(range, outputPath));
    trims.push(trimmed.sec);
    methods.add(trimmed.result);
    encodes.push(
      (await timed(() => media.trimByEncoding({ ...range, outputPath, mode: 'exact' }, watch))).sec,
    );
    if (withMoviepy && !isLong) {
      const args = [inputPath, String(startSec), String(range.endSec), join(folder, 'moviepy.mp4')];
      const command = ['-n', '19', 'python3', '-c', MOVIEPY, ...args];
      moviepies.push((await timed(() => run('nice', command, { cwd: folder }))).sec);
    }
  }
  const ratio = median(trims.map((sec, at) => sec / (encodes[at] as number)));
  return {
    trim: name,
    method: [...methods].join(', '),
    's, ours': Number(median(trims).toFixed(2)),
    's, encoded': Number(median(encodes).toFixed(2)),
    's, moviepy': moviepies.length > 0 ? Number(median(moviepies).toFixed(2)) : '-',
    ratio: Number(ratio.toFixed(3)),
    aim,
    verdict: ratio <= aim ? 'as aimed' : 'falls short',
  };
}

try {
  const withMoviepy = await hasMoviepy();
  process.stdout.write(`${rounds} rounds, medians${withMoviepy ? '' : '; no moviepy 1.0.3 here'}\n`);
  const rows = [];
  for (const each of CASES.filter(({ name }) => name.includes(values.only))) {
    rows.push(await measure(each, withMoviepy));
  }
  console.table(rows);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
