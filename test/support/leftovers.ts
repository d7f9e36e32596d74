import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Process ids of the ffmpegs and ffprobes that work on files below a folder. */
export async function toolsAtWorkIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return [Number(pid), line] as const;
    }),
  );
  return lines.filter(([, line]) => /ff(mpeg|probe)/.test(line) && line.includes(folder)).map(([pid]) => pid);
}

/** Folders of jobs that stand in a scratch folder, of all workers. */
export async function scratchJobsIn(folder: string): Promise<string[]> {
  const workers = await readdir(folder).catch(() => []);
  const jobs = await Promise.all(
    workers.map(async (worker) =>
      (await readdir(join(folder, worker))).map((job) => join(folder, worker, job)),
    ),
  );
  return jobs.flat();
}
