import { type FileHandle, open, rm } from 'node:fs/promises';
import { rethrowDiskError } from '../diskErrors.ts';
import { buildIndex, type Chunk, FILE_TYPE, interleave, mediaHeader } from './movieBoxes.ts';
import type { OutputMovie, OutputTrack } from './outputTrack.ts';

const BUFFER_BYTES = 8 * 1024 * 1024;

/** A run of bytes that stands in one piece in one of the files. */
interface Span {
  file: number;
  offset: number;
  length: number;
}

/** Samples that are neighbours in their file are read at once. */
function* spans(tracks: readonly OutputTrack[], chunks: readonly Chunk[]): Generator<Span> {
  let span: Span = { file: -1, offset: 0, length: 0 };
  for (const { track, from, to } of chunks) {
    const { files, offsets, sizes } = (tracks[track] as OutputTrack).samples;
    for (let at = from; at < to; at++) {
      const next = { file: files[at] as number, offset: offsets[at] as number, length: sizes[at] as number };
      const isNeighbour = span.file === next.file && span.offset + span.length === next.offset;
      if (isNeighbour && span.length + next.length <= BUFFER_BYTES) {
        span.length += next.length;
        continue;
      }
      if (span.length > 0) yield span;
      span = next;
    }
  }
  if (span.length > 0) yield span;
}

/** Collects what is read and writes it in large pieces. */
function createSink(output: FileHandle) {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let filled = 0;
  const flush = async () => {
    await writeAll(output, buffer.subarray(0, filled));
    filled = 0;
  };
  return {
    flush,
    /** False when the file ends before the span does. */
    async copy(from: FileHandle, { offset, length }: Span): Promise<boolean> {
      for (let done = 0; done < length; ) {
        if (filled === BUFFER_BYTES) await flush();
        const room = Math.min(length - done, BUFFER_BYTES - filled);
        const { bytesRead } = await from.read(buffer, filled, room, offset + done);
        if (bytesRead === 0) return false;
        filled += bytesRead;
        done += bytesRead;
      }
      return true;
    },
  };
}

async function writeAll(output: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await output.write(bytes, done)).bytesWritten;
  }
}

export interface Writing {
  signal: AbortSignal;
  onShare(share: number): void;
}

async function writeInto(output: FileHandle, inputs: FileHandle[], movie: OutputMovie, writing: Writing) {
  const chunks = interleave(movie.tracks);
  const mediaBytes = chunks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // Samples of an honest file do not overlap: without this a small one could be written as thousands of itself.
  const stats = await Promise.all(inputs.map((input) => input.stat()));
  if (mediaBytes > stats.reduce((sum, { size }) => sum + size, 0)) return false;
  const header = mediaHeader(mediaBytes);
  // Offsets change the index's size only when they become wide, and then only once.
  let index = buildIndex(movie, chunks, 0);
  let mediaStart = 0;
  do {
    mediaStart = FILE_TYPE.length + index.length + header.length;
    index = buildIndex(movie, chunks, mediaStart);
  } while (FILE_TYPE.length + index.length + header.length !== mediaStart);
  await writeAll(output, Buffer.concat([FILE_TYPE, index, header]));
  const sink = createSink(output);
  let copied = 0;
  for (const span of spans(movie.tracks, chunks)) {
    writing.signal.throwIfAborted();
    if (!(await sink.copy(inputs[span.file] as FileHandle, span))) return false;
    copied += span.length;
    writing.onShare(copied / mediaBytes);
  }
  await sink.flush();
  return true;
}

/**
 * Writes an MP4, its index first.
 *
 * @returns false when an input does not hold what its index says; the file is of no use then
 * @throws DiskFullError; the signal's reason when aborted. Nothing is left then
 */
export async function writeMovie(path: string, movie: OutputMovie, writing: Writing): Promise<boolean> {
  const handles: FileHandle[] = [];
  try {
    const output = await open(path, 'w').catch(rethrowDiskError);
    handles.push(output);
    for (const file of movie.files) handles.push(await open(file));
    return await writeInto(output, handles.slice(1), movie, writing).catch(rethrowDiskError);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}
