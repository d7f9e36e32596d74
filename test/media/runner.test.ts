import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DiskFullError, MediaToolError } from '../../src/errors.ts';
import { createRunner } from '../../src/media/runner.ts';
import {
  keepingLog,
  MEDIA_CONFIG,
  mediaUnderTest,
  quietWatch,
  until,
  withFolder,
} from '../support/mediaAdapter.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { findProcesses } from '../support/processes.ts';
import { callWith, endlessCall } from '../support/toolCalls.ts';

const runnerUnderTest = (config: Partial<typeof MEDIA_CONFIG> = {}) => {
  const { log, lines } = keepingLog();
  return { runner: createRunner({ config: { ...MEDIA_CONFIG, ...config }, log }), lines };
};

/** Puts a shell script in ffmpeg's place. */
const standIn = async (folder: string, script: string) => {
  const path = join(folder, `stand-in-${randomUUID()}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return { path, ...runnerUnderTest({ FFMPEG_PATH: path }) };
};

const isGone = (mark: string) => async () => (await findProcesses(mark)).length === 0;
const isThere = (mark: string) => async () => (await findProcesses(mark)).length > 0;

const toolError = (code: string) => (error: unknown) => {
  assert.ok(error instanceof MediaToolError, String(error));
  assert.equal(error.code, code);
  assert.equal(/[/\n]/.test(error.message), false, 'no paths, no raw output in messages');
  return true;
};

describe('the runner: cancelling', () => {
  it('does not start anything once aborted, also when the abort comes just before the spawn', async () => {
    const { runner, lines } = runnerUnderTest();
    const mark = randomUUID();
    const reason = new Error('cancelled by the user');
    const before = quietWatch(AbortSignal.abort(reason));
    await assert.rejects(runner.run(endlessCall(mark), before), reason);
    const controller = new AbortController();
    const running = runner.run(endlessCall(mark), quietWatch(controller.signal));
    controller.abort(reason);
    await assert.rejects(running, reason);
    assert.equal(lines.filter((line) => line.tool).length, 0);
    assert.equal(await isGone(mark)(), true);
  });

  it('ends a running tool within two seconds and rejects only then, with the reason', () =>
    withFolder(async (folder) => {
      for (const waitMs of [0, 30, 300]) {
        const { runner } = runnerUnderTest();
        const mark = randomUUID();
        const controller = new AbortController();
        const running = runner.run(endlessCall(mark, join(folder, 'out.avi')), quietWatch(controller.signal));
        running.catch(() => {});
        await until(isThere(mark), 5000);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        const abortedAt = performance.now();
        controller.abort();
        await assert.rejects(running, { name: 'AbortError' });
        assert.equal(await isGone(mark)(), true, 'gone before the rejection');
        assert.ok(performance.now() - abortedAt < 2000);
      }
    }));

  it('kills a tool that does not listen, and what it has started', () =>
    withFolder(async (folder) => {
      const { path, runner } = await standIn(
        folder,
        `trap '' TERM\nsleep 300 &\nwhile :; do sleep 0.2; done`,
      );
      const controller = new AbortController();
      const running = runner.run(callWith([]), quietWatch(controller.signal));
      running.catch(() => {});
      await until(isThere(path), 5000);
      const abortedAt = performance.now();
      controller.abort();
      await assert.rejects(running, { name: 'AbortError' });
      assert.ok(performance.now() - abortedAt < 2000);
      assert.equal(await isGone(path)(), true);
    }));

  it('does not let a tool finish what nobody wants any more', () =>
    withFolder(async (folder) => {
      const finished = join(folder, 'finished');
      const { path, runner } = await standIn(
        folder,
        `trap 'sleep 0.5; echo > ${finished}; exit' TERM\nwhile :; do sleep 0.05; done`,
      );
      const controller = new AbortController();
      const running = runner.run(callWith([]), quietWatch(controller.signal));
      running.catch(() => {});
      await until(isThere(path), 5000);
      controller.abort();
      await assert.rejects(running, { name: 'AbortError' });
      assert.equal((await readdir(folder)).includes('finished'), false);
    }));

  it('leaves no file and no process when a thumbnail or a storyboard is cancelled', () =>
    withFolder(async (folder) => {
      const inputPath = await fixture('bigOneKeyframe');
      const { media } = mediaUnderTest();
      const facts = await media.probe(inputPath, quietWatch());
      for (const waitMs of [0, 60, 400]) {
        const controller = new AbortController();
        const request = {
          inputPath,
          facts,
          imageName: 's.jpg',
          imagePath: join(folder, 's.jpg'),
          indexPath: join(folder, 's.vtt'),
        };
        const watch = quietWatch(controller.signal);
        const all = Promise.allSettled([
          media.renderStoryboard(request, watch),
          media.renderThumbnail({ inputPath, facts, outputPath: join(folder, 't.jpg') }, watch),
        ]);
        await until(isThere(folder), 5000);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        controller.abort();
        const [storyboard, thumbnail] = await all;
        assert.equal(storyboard.status, 'rejected');
        assert.equal(await isGone(folder)(), true);
        const left = (await readdir(folder)).filter(
          (name) => thumbnail.status === 'rejected' || name !== 't.jpg',
        );
        assert.deepEqual(left, []);
        // One that was finished before it could be cancelled is nothing that the next one left.
        await rm(join(folder, 't.jpg'), { force: true });
      }
    }));
});

describe('the runner: tools that misbehave', () => {
  it('ends a tool at its wall clock', () =>
    withFolder(async (folder) => {
      const { path, runner } = await standIn(folder, 'sleep 60');
      const watch = { ...quietWatch(), wallClockSec: 0.3 };
      const startedAt = performance.now();
      await assert.rejects(runner.run(callWith([]), watch), toolError('media_tool_timeout'));
      assert.ok(performance.now() - startedAt < 2000);
      assert.equal(await isGone(path)(), true);
    }));

  it('tells a crash and a kill from a verdict on the file', () =>
    withFolder(async (folder) => {
      for (const signal of ['SEGV', 'KILL', 'ABRT']) {
        const { runner } = await standIn(folder, `kill -${signal} $$; sleep 5`);
        await assert.rejects(runner.run(callWith([]), quietWatch()), toolError('media_tool_crashed'));
      }
    }));

  it('survives garbage on both outputs, and keeps little of it', () =>
    withFolder(async (folder) => {
      const { runner } = await standIn(
        folder,
        'head -c 20000000 /dev/urandom; head -c 20000000 /dev/urandom >&2',
      );
      const watch = quietWatch();
      const run = await runner.run(callWith([]), watch);
      assert.equal(run.exitCode, 0);
      assert.ok(run.stderrTail.length <= 4000);
      assert.ok(watch.percents.every((percent) => percent >= 0 && percent <= 99));
      const text = await standIn(folder, 'yes');
      await assert.rejects(
        text.runner.run(callWith([], { output: 'text' }), quietWatch()),
        toolError('media_tool_failed'),
      );
    }));

  it('does not wait for what a tool has left behind', () =>
    withFolder(async (folder) => {
      const { runner, path } = await standIn(folder, '(trap "" TERM; sleep 60) &\nexit 0');
      const startedAt = performance.now();
      assert.equal((await runner.run(callWith([]), quietWatch())).exitCode, 0);
      assert.ok(performance.now() - startedAt < 2000);
      assert.equal(await isGone(path)(), true);
    }));

  it('knows a full disk, a file that grew too large and a missing tool', () =>
    withFolder(async (folder) => {
      const full = await standIn(
        folder,
        'echo "av_interleaved_write_frame(): No space left on device" >&2; exit 1',
      );
      await assert.rejects(full.runner.run(callWith([]), quietWatch()), DiskFullError);
      const big = await standIn(folder, `exec head -c 100000 /dev/zero > ${join(folder, 'big')}`);
      const limits = { wallClockSec: 10, cpuSec: 10, fileSizeBytes: 1000 };
      await assert.rejects(
        big.runner.run(callWith([], { limits }), quietWatch()),
        toolError('media_tool_output_too_large'),
      );
      const missing = runnerUnderTest({ FFMPEG_PATH: join(folder, 'nowhere') });
      await assert.rejects(missing.runner.run(callWith([]), quietWatch()), toolError('media_tool_missing'));
    }));

  it('gives a failed exit to the caller, and the end of its words to the log alone', () =>
    withFolder(async (folder) => {
      const { runner, lines } = await standIn(folder, 'echo "/secret/path is bad" >&2; exit 3');
      assert.equal((await runner.run(callWith(['-x']), quietWatch())).exitCode, 3);
      const line = lines.find((each) => each.tool === 'ffmpeg');
      assert.equal(line?.exitCode, 3);
      assert.match(String(line?.stderrTail), /is bad/);
      assert.equal(line?.argv?.at(-1), '-x');
      assert.equal(typeof line?.elapsedMs, 'number');
    }));

  it('hands every byte of a pipe to its reader, whoever is faster', () =>
    withFolder(async (folder) => {
      const write = 'head -c 5000000 /dev/zero; echo end';
      const slowly = 'for i in 1 2 3 4 5; do head -c 1000000 /dev/zero; sleep 0.1; done; echo end';
      const script = `case "$1" in fast) ${write};; slow) ${slowly};; late) sleep 0.5; wc -c;; *) wc -c;; esac`;
      const { runner } = await standIn(folder, script);
      for (const [writer = '', reader = ''] of [
        ['fast', 'late'],
        ['slow', 'eager'],
      ]) {
        const [, { stdout }] = await runner.runPipe(
          callWith([writer], { output: 'packets' }),
          callWith([reader], { output: 'text' }),
          quietWatch(),
        );
        assert.equal(Number(stdout), 5_000_004, `${writer} writer, ${reader} reader`);
      }
    }));

  it('lets the writer of a pipe end by itself when its reader has had enough', () =>
    withFolder(async (folder) => {
      const { runner } = await standIn(
        folder,
        'if [ "$1" = write ]; then head -c 5000000 /dev/zero && exit 7; fi; head -c 10 >/dev/null',
      );
      const [writing, reading] = await runner.runPipe(
        callWith(['write'], { output: 'packets' }),
        callWith(['read']),
        quietWatch(),
      );
      assert.deepEqual([writing.exitCode, reading.exitCode], [7, 0]);
    }));

  it('ends both processes of a pipe when one of them fails', () =>
    withFolder(async (folder) => {
      const script = `if [ "$1" = write ]; then cat /dev/zero; exit 1; fi; if [ "$1" = fail ]; then exit 4; fi; sleep 60`;
      const { path, runner } = await standIn(folder, script);
      const writer = callWith(['write'], { output: 'packets' });
      const [, reading] = await runner.runPipe(writer, callWith(['fail']), quietWatch());
      assert.equal(reading.exitCode, 4);
      assert.equal(await isGone(path)(), true);
      const controller = new AbortController();
      const running = runner.runPipe(writer, callWith(['hang']), quietWatch(controller.signal));
      running.catch(() => {});
      await until(isThere(path), 5000);
      controller.abort();
      await assert.rejects(running, { name: 'AbortError' });
      assert.equal(await isGone(path)(), true);
    }));

  it('ends the first process of a pipe when the second cannot be started', () =>
    withFolder(async (folder) => {
      const { path, runner } = await standIn(folder, 'cat /dev/zero');
      const writer = callWith([], { output: 'packets' });
      // No system takes such a byte in an argument: like a lack of memory, it lets the spawn itself throw.
      const running = runner.runPipe(writer, callWith(['\0']), quietWatch());
      await assert.rejects(running, { code: 'ERR_INVALID_ARG_VALUE' });
      assert.equal(await isGone(path)(), true);
    }));
});

describe('the runner: confinement', () => {
  it('lets no tool outlive its worker', async () => {
    const program = fileURLToPath(new URL('../support/runForever.ts', import.meta.url));
    for (let round = 0; round < 3; round++) {
      const mark = randomUUID();
      const worker = spawn(process.execPath, [program, mark], { stdio: 'ignore' });
      await until(async () => (await findProcesses(`title=${mark}`)).length > 0, 10_000);
      worker.kill('SIGKILL');
      await until(isGone(mark), 2000);
    }
  });

  it('lets a tool finish while its worker lives, at the lowest priority, with nothing of the environment', () =>
    withFolder(async (folder) => {
      const { runner } = await standIn(folder, 'env; nice; ulimit -n; ulimit -c; sleep 1.5; echo finished');
      const { stdout } = await runner.run(callWith([], { output: 'text' }), quietWatch());
      const lines = stdout.trim().split('\n');
      assert.deepEqual(lines.slice(-4), ['19', '64', '0', 'finished']);
      const names = lines.slice(0, -4).map((line) => line.split('=')[0]);
      assert.deepEqual(
        names.filter(
          (name) => !['PATH', 'LANG', 'MALLOC_ARENA_MAX', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? ''),
        ),
        [],
      );
    }));

  it('takes odd names as data', () =>
    withFolder(async (folder) => {
      const { media } = mediaUnderTest();
      const names = [
        '-version',
        'concat:a|b.mp4',
        'a %d.mp4',
        '$(touch x);`id`.mp4',
        'quote\' "x.mp4',
        'new\nline',
        '%03d',
        '-i file',
      ];
      for (const name of names) {
        const inputPath = join(folder, name);
        await copyFile(await fixture('noAudio'), inputPath);
        const facts = await media.probe(inputPath, quietWatch());
        assert.equal(facts.width, 320, name);
        const outputPath = join(folder, `${name} out`);
        const { width } = await media.renderThumbnail({ inputPath, outputPath, facts }, quietWatch());
        assert.equal(width, 320);
      }
      assert.equal((await readdir(folder)).length, names.length * 2);
    }));
});
