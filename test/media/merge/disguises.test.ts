import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, open, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findExecutable } from '../../../src/media/confinement.ts';
import { LIST_GUARD, listText } from '../../../src/media/merge/commands.ts';
import { writeDisguises } from '../../support/disguises.ts';
import { withFolder } from '../../support/mediaAdapter.ts';
import { fixture } from '../../support/mediaFixtures.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../../support/traceMerge.ts', import.meta.url));
const TRACE = ['-f', '--seccomp-bpf', '-qq', '-s', '4096', '-e', 'trace=open,openat', '-o'];
const MAX_OUTPUT = { maxBuffer: 64 * 1024 * 1024 };
/** Those that some member of a list could lead to: lists, manifests and movies that refer to others. */
const NAMES = [
  'ffconcat-relative.mp4',
  'ffconcat-path.mp4',
  'hls-relative.mp4',
  'dash-relative.mp4',
  'mov-url.mp4',
];

/**
 * A list to whoever reads it as text, and a movie to whoever reads boxes: the first four letters are the size of a box
 * that ends where the index of a good movie stands. The file is full of holes and takes no space.
 */
async function writeTwoFaced(path: string, good: string): Promise<void> {
  const text = 'ffconcat version 1.0\nfile canary.mp4\n';
  const movie = await readFile(good);
  const file = await open(path, 'w');
  try {
    await file.write(text, 0);
    await file.write(
      movie.subarray(movie.indexOf('moov') - 4),
      0,
      undefined,
      Buffer.from(text).readUInt32BE(0),
    );
  } finally {
    await file.close();
  }
}

/** Gives what a command printed, and how often it opened the canary. */
async function trace(folder: string, command: string[]) {
  const record = join(folder, 'strace.txt');
  const printed = await run('strace', [...TRACE, record, ...command], MAX_OUTPUT).catch((error) => error);
  const { stdout } = await run('grep', ['-c', '-F', 'canary.mp4"', record], MAX_OUTPUT).catch(
    (error) => error,
  );
  return { stdout: String(printed.stdout), opened: Number(stdout) };
}

describe('members of a merge that are orders to read other files', function () {
  this.timeout(120_000);
  before(async function () {
    if (await findExecutable('strace')) return;
    console.warn('    strace is not installed: not checked which files ffmpeg opens');
    this.skip();
  });

  const withDisguises = (work: (folder: string, paths: string[]) => Promise<void>) =>
    withFolder(async (folder) => {
      const canary = join(folder, 'canary.mp4');
      await copyFile(await fixture('h264'), canary);
      const paths = await writeDisguises(folder, canary);
      await work(
        folder,
        paths.filter((path) => NAMES.includes(basename(path))),
      );
    });

  it('would be followed by a list that holds them, so that this test could fail', () =>
    withDisguises(async (folder) => {
      const list = join(folder, 'list.txt');
      await writeFile(list, listText([{ name: 'ffconcat-relative.mp4' }]));
      const args = [...LIST_GUARD, '-i', `file:${list}`, '-f', 'null', '-'];
      assert.ok((await trace(folder, ['ffmpeg', '-v', 'error', ...args])).opened > 0);
    }));

  it('are never put into a list', () =>
    withDisguises(async (folder, paths) => {
      const twoFaced = join(folder, 'two-faced.mp4');
      await writeTwoFaced(twoFaced, await fixture('h264'));
      paths.push(twoFaced);
      const { stdout, opened } = await trace(folder, [
        process.execPath,
        program,
        await fixture('h264'),
        ...paths,
      ]);
      const outcomes: Record<string, string> = JSON.parse(stdout);
      assert.equal(opened, 0);
      assert.equal(Object.keys(outcomes).length, NAMES.length + 1);
      for (const [path, outcome] of Object.entries(outcomes)) {
        // A whole movie of its own, whose reference is not followed.
        if (basename(path) === 'mov-url.mp4') continue;
        assert.match(outcome, /^(unsupported_media|corrupt_media)$/, basename(path));
      }
    }));
});
