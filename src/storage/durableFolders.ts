import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder and whatever is missing above it, durably. */
export async function makeFolder(dir: string): Promise<void> {
  const firstMade = await mkdir(dir, { recursive: true });
  if (firstMade === undefined) return;
  // Every folder that got a new entry: from the parent of the first new one down to that of the last.
  for (let made = dir; made.length >= firstMade.length; made = dirname(made)) await syncFolder(dirname(made));
}

/**
 * Makes the entries of a folder and of those above it, up to `root`, durable: a renamed file survives a
 * power loss only after this. The ones above count too, since another process may have made them a
 * moment ago and not synced them yet.
 */
export async function syncFoldersUpTo(folder: string, root: string): Promise<void> {
  for (let at = folder; at.length >= root.length; at = dirname(at)) await syncFolder(at);
}
