/** A program for strace: takes the files given as arguments through every step and prints the outcomes. */
import { mediaUnderTest, withFolder } from './mediaAdapter.ts';
import { takeThroughAll } from './mediaSteps.ts';

const { media } = mediaUnderTest();
const outcomes = await withFolder(async (folder) => {
  const all: Record<string, unknown> = {};
  for (const path of process.argv.slice(2)) all[path] = await takeThroughAll(media, path, folder);
  return all;
});
console.log(JSON.stringify(outcomes));
