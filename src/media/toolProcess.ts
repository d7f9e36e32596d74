import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { TOOL_ENVIRONMENT } from './confinement.ts';

/**
 * Where a tool's standard output goes:
 * - `text`: collected, bounded
 * - `progress`: read as progress
 * - `packets`: left to the process that takes it as its input, or to the caller; progress comes on descriptor 3
 */
export type ToolOutput = 'text' | 'progress' | 'packets';

/** Why we ended a process ourselves. */
export type StopReason = 'aborted' | 'wall_clock' | 'too_much_output' | 'not_needed';

export interface ToolExit {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stoppedBy: StopReason | null;
  /** Set when the process could not even start. */
  spawnError: Error | null;
  stdout: string;
  /** The end of standard error. For the log only: it may hold paths. */
  stderrTail: string;
  elapsedMs: number;
}

export interface ToolProcess {
  finished: Promise<ToolExit>;
  /**
   * Sends SIGKILL to the process group. The first reason wins. No SIGTERM comes first: ffmpeg would spend
   * up to a second on finishing an output that is thrown away in any case, and a cancelled run is not over
   * before its process is gone.
   */
  stop(reason: StopReason): void;
  /** With `packets`: our end of the output. Whoever takes it as input reads it; what is left then is ours to drain. */
  stdout: Readable | null;
}

export interface ToolProcessOptions {
  argv: readonly string[];
  output: ToolOutput;
  /** The output of another process, which the kernel then carries: nothing of it passes through us. */
  input: Readable | null;
  wallClockSec: number;
  onProgressText: (text: string) => void;
}

const STDERR_TAIL_CHARS = 4000;
const MAX_STDOUT_CHARS = 4 * 1024 * 1024;

const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already, which is what we want.
  }
};

const startChild = ({ argv, output, input }: ToolProcessOptions): ChildProcess => {
  const [command = '', ...args] = argv;
  return spawn(command, args, {
    cwd: '/',
    env: TOOL_ENVIRONMENT,
    // Its own process group, so that a signal reaches the tool and everything it may have started.
    detached: true,
    shell: false,
    stdio: [input ?? 'ignore', 'pipe', 'pipe', ...(output === 'packets' ? ['pipe' as const] : [])],
  });
};

/**
 * Starts one process and watches it. `finished` never rejects: it tells how the process ended once all
 * its output is read and the group is gone.
 */
export function startToolProcess(options: ToolProcessOptions): ToolProcess {
  const startedAt = performance.now();
  const child = startChild(options);
  const exit = {
    stdout: '',
    stderrTail: '',
    stoppedBy: null as StopReason | null,
    spawnError: null as Error | null,
  };
  let exitedAt: number | undefined;

  const stop = (reason: StopReason): void => {
    // Its number may be another's by now.
    if (child.exitCode !== null || child.signalCode !== null) return;
    exit.stoppedBy ??= reason;
    killGroup(child.pid);
  };
  const wallTimer = setTimeout(() => stop('wall_clock'), options.wallClockSec * 1000);

  const progress = options.output === 'packets' ? (child.stdio[3] as Readable) : child.stdout;
  if (options.output === 'text') {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      exit.stdout += text.slice(0, MAX_STDOUT_CHARS - exit.stdout.length);
      if (exit.stdout.length >= MAX_STDOUT_CHARS) stop('too_much_output');
    });
  } else {
    progress?.setEncoding('utf8').on('data', options.onProgressText);
  }
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    exit.stderrTail = (exit.stderrTail + text).slice(-STDERR_TAIL_CHARS);
  });

  const finished = new Promise<ToolExit>((resolve) => {
    const settle = (exitCode: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(wallTimer);
      resolve({
        ...exit,
        exitCode,
        signal,
        elapsedMs: Math.round((exitedAt ?? performance.now()) - startedAt),
      });
    };
    child.once('error', (error) => {
      exit.spawnError ??= error;
      if (child.pid === undefined) settle(null, null);
    });
    child.once('exit', () => {
      exitedAt = performance.now();
      // Whatever the tool left behind holds our pipes open and would keep 'close' from coming.
      killGroup(child.pid);
    });
    child.once('close', settle);
  });
  return { finished, stop, stdout: child.stdout };
}
