/** A program for strace: merges a good file with each file given, as if its record called it a fine MP4. */
import { join } from 'node:path';
import { mediaUnderTest, quietWatch, withFolder } from './mediaAdapter.ts';

const [good = '', ...others] = process.argv.slice(2);
const { media } = mediaUnderTest();
const facts = await media.probe(good, quietWatch());
const outcomes = await withFolder(async (folder) => {
  const all: Record<string, string> = {};
  for (const inputPath of others) {
    const inputs = [
      { inputPath: good, facts },
      { inputPath, facts },
    ];
    const request = { inputs, outputPath: join(folder, 'merged.mp4'), fit: 'contain' } as const;
    const merged = async () =>
      (await media.mergeByCopying(request, quietWatch())) ??
      (await media.mergeByEncoding(request, quietWatch()));
    all[inputPath] = await merged().then(
      ({ method }) => method,
      (error) => error.code ?? error.message,
    );
  }
  return all;
});
console.log(JSON.stringify(outcomes));
