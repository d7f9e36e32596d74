import { open } from 'node:fs/promises';
import { SNIFF_BYTES, type SniffedContainer, sniffContainer } from '../domain/containerSniff.ts';
import { UnusableMediaError } from '../errors.ts';
import { notAVideo } from './complaints.ts';
import { type IsobmffFacts, readIsobmff } from './isobmff.ts';
import { readMatroska } from './matroska.ts';

export interface HeaderFacts {
  sizeBytes: number;
  sniffed: SniffedContainer | null;
  /** Our name where the header is more exact than ffprobe, which gives one name to a whole family. */
  container: string | null;
  /** Whether the index of an MP4 or MOV comes before the media; null for other containers. */
  isProgressive: boolean | null;
}

const TRUNCATED = 'The file is not complete: its end is missing; upload it again';

const INDEX_PROBLEMS: Record<Exclude<IsobmffFacts['state'], 'complete'>, () => UnusableMediaError> = {
  truncated: () => new UnusableMediaError('corrupt_media', TRUNCATED),
  no_index: () =>
    new UnusableMediaError(
      'corrupt_media',
      'The file has no index, as when a recording or upload was cut off; upload it again',
    ),
  still_picture: notAVideo,
  external_media: () =>
    new UnusableMediaError(
      'unsupported_media',
      'The file only points at other files; upload one that contains its own picture',
    ),
};

/**
 * Looks at a file's header without starting a process.
 *
 * @throws UnusableMediaError for an empty file, one cut short, or one that keeps its media elsewhere
 */
export async function readMediaHeader(path: string): Promise<HeaderFacts> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size === 0) throw new UnusableMediaError('corrupt_media', 'The file is empty; upload it again');
    const head = Buffer.alloc(Math.min(size, SNIFF_BYTES));
    await file.read(head, 0, head.length, 0);
    const sniffed = sniffContainer(head);
    const facts = { sizeBytes: size, sniffed, isProgressive: null };
    if (sniffed === 'isobmff') {
      const { state, isQuickTime, isProgressive } = await readIsobmff(file, size);
      if (state !== 'complete') throw INDEX_PROBLEMS[state]();
      return { ...facts, container: isQuickTime ? 'mov' : 'mp4', isProgressive };
    }
    if (sniffed === 'ebml') {
      const { isWebm, isTruncated } = readMatroska(head, size);
      if (isTruncated) throw new UnusableMediaError('corrupt_media', TRUNCATED);
      return { ...facts, container: isWebm ? 'webm' : 'mkv' };
    }
    return { ...facts, container: null };
  } finally {
    await file.close();
  }
}
