import type { Readable } from 'node:stream';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { type Confine, createConfinement, findExecutable, type ToolLimits } from './confinement.ts';
import { createProgressReader, type PercentOf, type ProgressReport } from './progress.ts';
import { interruption, type ToolName, toolMissing } from './toolFailure.ts';
import { startToolProcess, type ToolExit, type ToolOutput, type ToolProcess } from './toolProcess.ts';

/** How a caller follows a piece of work and takes it back. */
export interface Watch {
  signal: AbortSignal;
  /** Whole percent from 0 to 99 while the tool runs. */
  onProgress(percent: number): void;
  /** Shortens the step's own wall-clock limit. */
  wallClockSec?: number;
}

export interface ToolCall {
  tool: ToolName;
  args: readonly string[];
  limits: ToolLimits;
  output: ToolOutput;
  /** Takes the output piece by piece, with `packets` where no other process takes it. */
  onOutput?: (bytes: Buffer) => void;
  /** How its reports read as progress; left out where nothing can be told before the end. */
  percentOf?: PercentOf;
}

/** A tool that ended by itself; the caller judges the exit code. */
export interface ToolRun extends ToolExit {
  progress: ProgressReport;
}

interface Started extends ToolProcess {
  call: ToolCall;
  argv: string[];
  progress(): ProgressReport;
}

/** The one place that starts ffmpeg and ffprobe. */
export type Runner = ReturnType<typeof createRunner>;

/**
 * Makes the runner: every process it starts is without a shell, under the kernel's limits, at the lowest
 * priority, in its own process group, with an empty environment, and dies with this process.
 */
export function createRunner({
  config,
  log,
}: {
  config: Pick<Config, 'FFMPEG_PATH' | 'FFPROBE_PATH'>;
  log: Log;
}) {
  const configured: Record<ToolName, string> = { ffmpeg: config.FFMPEG_PATH, ffprobe: config.FFPROBE_PATH };
  let confinement: Promise<Confine> | undefined;

  const commandLine = async ({ tool, args, limits }: ToolCall): Promise<string[]> => {
    confinement ??= createConfinement({ log });
    const [confine, path] = await Promise.all([confinement, findExecutable(configured[tool])]);
    if (!path) throw toolMissing(tool);
    return confine([path, ...args], limits);
  };

  const start = (call: ToolCall, argv: string[], watch: Watch, input: Readable | null = null): Started => {
    const { percentOf, limits } = call;
    const { wallClockSec } = limits;
    const reader = createProgressReader((report) => {
      if (!percentOf) return;
      try {
        watch.onProgress(percentOf(report));
      } catch (error) {
        // Thrown on from here it would end the whole worker.
        log.warn({ err: error }, 'progress could not be reported');
      }
    });
    const child = startToolProcess({
      argv,
      output: call.output,
      input,
      wallClockSec: Math.min(wallClockSec, watch.wallClockSec ?? wallClockSec),
      onProgressText: reader.feed,
    });
    if (call.onOutput) child.stdout?.on('data', call.onOutput);
    return { ...child, call, argv, progress: reader.report };
  };

  /** Waits until all processes are gone, whatever happens; only then rejects with the reason of the abort. */
  const finish = async (started: readonly Started[], { signal }: Watch): Promise<ToolRun[]> => {
    const onAbort = () => {
      for (const each of started) each.stop('aborted');
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const exits = await Promise.all(started.map((each) => each.finished));
    signal.removeEventListener('abort', onAbort);
    const runs = exits.map((exit, at) => {
      const { call, argv, progress } = started[at] as Started;
      logRun(log, call.tool, argv, exit);
      return { ...exit, progress: progress() };
    });
    signal.throwIfAborted();
    for (const [at, run] of runs.entries()) {
      const error = interruption((started[at] as Started).call.tool, run);
      if (error) throw error;
    }
    return runs;
  };

  return {
    /**
     * Runs one tool to its end.
     *
     * @throws the signal's reason when aborted, DiskFullError, MediaToolError when it was killed or is missing
     */
    async run(call: ToolCall, watch: Watch): Promise<ToolRun> {
      watch.signal.throwIfAborted();
      const argv = await commandLine(call);
      // The last moment: an abort from here on finds a process to end.
      watch.signal.throwIfAborted();
      const [run] = await finish([start(call, argv, watch)], watch);
      return run as ToolRun;
    },

    /**
     * Runs two tools, the first one's output being the second one's input.
     *
     * @throws as `run`
     */
    async runPipe(writing: ToolCall, reading: ToolCall, watch: Watch): Promise<[ToolRun, ToolRun]> {
      watch.signal.throwIfAborted();
      const [writerArgv, readerArgv] = await Promise.all([commandLine(writing), commandLine(reading)]);
      watch.signal.throwIfAborted();
      const writer = start(writing, writerArgv, watch);
      let reader: Started;
      try {
        // In the same turn of the event loop: from here on nothing of what the writer writes is read by us.
        reader = start(reading, readerArgv, watch, writer.stdout);
      } catch (error) {
        // No memory for another process, say: nobody would end the first one before its time is up.
        await endUnread(writer);
        throw error;
      }
      connect(writer, reader);
      const [first, second] = await finish([writer, reader], watch);
      return [first as ToolRun, second as ToolRun];
    },
  };
}

/** Ends a process that nobody reads from; output that stays unread would keep it from closing. */
async function endUnread(writer: Started): Promise<void> {
  writer.stop('not_needed');
  writer.stdout?.resume();
  await writer.finished;
}

/**
 * Ends two joined processes well. A reader that is satisfied early leaves the rest to be drained, so that
 * the writer still gives its own verdict on the input; a reader that failed ends the writer.
 */
function connect(writer: Started, reader: Started): void {
  void reader.finished.then((exit) => {
    if (exit.exitCode !== 0) writer.stop('not_needed');
    writer.stdout?.resume();
  });
}

function logRun(log: Log, tool: ToolName, argv: readonly string[], exit: ToolExit): void {
  const { exitCode, signal, stoppedBy, elapsedMs, stderrTail, spawnError } = exit;
  const isClean = exitCode === 0;
  log.info(
    {
      tool,
      argv,
      elapsedMs,
      exitCode,
      ...(isClean ? {} : { signal, stoppedBy, stderrTail, spawnError: spawnError?.message }),
    },
    isClean ? 'media tool ran' : 'media tool ended badly',
  );
}
