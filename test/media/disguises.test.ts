import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findExecutable } from '../../src/media/confinement.ts';
import { DISGUISE_NAMES, writeDisguises } from '../support/disguises.ts';
import { withFolder } from '../support/mediaAdapter.ts';
import { fixture } from '../support/mediaFixtures.ts';
import type { StepOutcomes } from '../support/mediaSteps.ts';
import { sample } from '../support/sample.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../support/traceMedia.ts', import.meta.url));
const TRACE = ['-f', '--seccomp-bpf', '-qq', '-s', '4096', '-e', 'trace=open,openat', '-o'];
const MAX_OUTPUT = { maxBuffer: 64 * 1024 * 1024 };

/** These hold a picture of their own and are ordinary videos as long as the order in them is not followed. */
const HARMLESS = ['hls-in-avi-subtitle.avi', 'mov-url.mp4'];

/** Each costs a second under strace. */
const TRIED = sample('disguises', DISGUISE_NAMES, 14);

/** Runs a command under strace; gives what it printed and which opened files have this name. */
async function trace(folder: string, name: string, command: string[]) {
  const record = join(folder, 'strace.txt');
  const printed = await run('strace', [...TRACE, record, ...command], MAX_OUTPUT).catch((error) => error);
  const { stdout } = await run('grep', ['-c', '-F', `${name}"`, record], MAX_OUTPUT).catch((error) => error);
  const { stdout: total } = await run('grep', ['-c', 'open', record], MAX_OUTPUT);
  return { stdout: String(printed.stdout), opened: Number(stdout), total: Number(total) };
}

describe('files that are orders to read other files', function () {
  this.timeout(120_000);

  before(async function () {
    if (await findExecutable('strace')) return;
    console.warn('    strace is not installed: not checked which files ffmpeg opens');
    this.skip();
  });

  it('are followed by an unguarded ffprobe, so that this test could fail', () =>
    withFolder(async (folder) => {
      const canary = join(folder, 'canary.ts');
      await copyFile(await fixture('transportStream'), canary);
      await writeDisguises(folder, canary);
      for (const name of [
        'hls-file-url.mp4',
        'hls-relative.bin',
        'dash-relative.mp4',
        'ffconcat-relative.mp4',
      ]) {
        const { opened } = await trace(folder, 'canary.ts', ['ffprobe', '-v', 'error', join(folder, name)]);
        assert.ok(opened > 0, name);
      }
    }));

  it(`are refused by probe, thumbnail and storyboard: ${TRIED.length} kinds, no canary opened`, () =>
    withFolder(async (folder) => {
      const canary = join(folder, 'canary.ts');
      await copyFile(await fixture('transportStream'), canary);
      const paths = (await writeDisguises(folder, canary)).filter((path) => TRIED.includes(basename(path)));
      const { stdout, opened, total } = await trace(folder, 'canary.ts', [
        process.execPath,
        program,
        ...paths,
      ]);
      const outcomes: Record<string, StepOutcomes> = JSON.parse(stdout);
      assert.ok(total > 1000, 'the trace holds the tools as well');
      assert.equal(opened, 0);
      assert.equal(Object.keys(outcomes).length, TRIED.length);
      for (const [path, outcome] of Object.entries(outcomes)) {
        if (HARMLESS.includes(basename(path))) continue;
        assert.match(outcome.probe, /^(unsupported_media|corrupt_media|no_video_stream)$/, basename(path));
        assert.notEqual(outcome.thumbnail, 'ok', basename(path));
        assert.notEqual(outcome.storyboard, 'ok', basename(path));
      }
    }));
});
