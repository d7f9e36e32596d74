import { readdir, readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface RunningProcess {
  pid: number;
  commandLine: string;
}

const readOrNothing = (path: string) => readFile(path, 'utf8').catch(() => '');

const isZombie = (stat: string): boolean =>
  stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z';

/** Lists the processes whose command line holds a text; those that only wait to be reaped are left out. */
export async function findProcesses(text: string): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const all = await Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      commandLine: (await readOrNothing(`/proc/${pid}/cmdline`)).replaceAll('\0', ' '),
      stat: await readOrNothing(`/proc/${pid}/stat`),
    })),
  );
  return all.filter(({ commandLine, stat }) => commandLine.includes(text) && stat !== '' && !isZombie(stat));
}

/** Follows the memory of all processes whose command line holds a text, until stopped. */
export function watchMemory(text: string) {
  let peakBytes = 0;
  const timer = setInterval(async () => {
    for (const { pid } of await findProcesses(text)) {
      const status = await readOrNothing(`/proc/${pid}/status`);
      const peakKb = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
      peakBytes = Math.max(peakBytes, peakKb * 1024);
    }
  }, 30);
  return {
    stop(): number {
      clearInterval(timer);
      return peakBytes;
    },
  };
}

/** Follows what this very process takes, until stopped: memory beyond the present, and the longest standstill. */
export function watchOwnProcess() {
  const startBytes = process.memoryUsage.rss();
  let peakBytes = startBytes;
  const look = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 10);
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  return {
    stop() {
      clearInterval(timer);
      delays.disable();
      look();
      return { grownBytes: peakBytes - startBytes, maxDelayMs: delays.max / 1e6 };
    },
  };
}
