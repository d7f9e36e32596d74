import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const CACHE = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/**
 * The folder of a kind of fixtures. They are kept in the user's cache folder, beside the Temporal server: every run
 * has a temporary folder of its own, where each would make them all again, and a checkout is thrown away more often.
 */
export const fixtureFolder = (name: string): string => join(CACHE, 'videoflow', name);

/** Makes a file unless it is there. The path that it is made at ends as its own does. */
export async function makeOnce(path: string, make: (path: string) => Promise<unknown>): Promise<string> {
  if (await isThere(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  // Two runs may make the same one: whoever renames last wins, and both are whole.
  const unfinished = path.replace(/\.\w+$/, `-${randomUUID()}$&`);
  try {
    await make(unfinished);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return path;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
