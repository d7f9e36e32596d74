import { VideoflowError } from '../../errors.ts';
import { InterruptedError } from '../failures.ts';
import type { Session } from '../session.ts';
import { formatSize, formatSpan, printable } from '../text.ts';
import type { UploadRequest } from './options.ts';
import type { UploadFacts } from './uploadFile.ts';

/** How it ended with one file. */
export interface FileResult extends UploadFacts {
  /** As given on the command line. */
  path: string;
  /** Null when there is no such file. */
  sizeBytes: number | null;
  isReady: boolean;
  /** Null when all went well. */
  failure: unknown;
  tookMs: number;
}

export interface Report {
  readonly results: FileResult[];
  add(result: FileResult): void;
  finish(): void;
}

/** Tells how it ended: a line of JSON for each file as it ends, or a summary for people at the end. */
export function createReport({ isJson, files }: UploadRequest, { stdout, stderr }: Session): Report {
  const results: FileResult[] = [];
  return {
    results,
    add: (result) => {
      results.push(result);
      if (isJson) stdout.write(`${JSON.stringify(toJson(result))}\n`);
    },
    finish: () => {
      if (!isJson) stdout.write(summarize(results, files.length));
      const resumable = results.filter(
        ({ failure, uploadId }) => failure instanceof InterruptedError && uploadId,
      );
      if (resumable.length > 0) {
        stderr.write('Interrupted. What has arrived is kept: the same command goes on where it was.\n');
      }
    },
  };
}

const isInterrupted = ({ failure }: FileResult): boolean => failure instanceof InterruptedError;

function stateOf(result: FileResult): 'uploaded' | 'ready' | 'failed' | 'interrupted' {
  if (result.failure !== null) return isInterrupted(result) ? 'interrupted' : 'failed';
  return result.isReady ? 'ready' : 'uploaded';
}

const toJson = (result: FileResult) => ({
  file: result.path,
  state: stateOf(result),
  video_id: result.videoId,
  upload_id: result.uploadId,
  size_bytes: result.sizeBytes,
  resumed_from_bytes: result.resumedFromBytes,
  sent_bytes: result.sentBytes,
  error:
    result.failure === null || isInterrupted(result)
      ? null
      : { code: codeOf(result.failure), message: describeFailure(result.failure) },
});

const codeOf = (failure: unknown): string =>
  failure instanceof VideoflowError ? failure.code : 'internal_error';

/** A sentence for whoever reads it. */
export const describeFailure = (failure: unknown): string =>
  failure instanceof VideoflowError
    ? failure.message
    : `A fault of videoflow itself: ${failure instanceof Error ? failure.message : String(failure)}`;

function summarize(results: FileResult[], fileCount: number): string {
  const lines = results.map(describeResult);
  if (fileCount > 1) {
    const well = results.filter(({ failure }) => failure === null).length;
    lines.push(
      `${well} of ${results.length} files ${well === results.length ? 'went well' : 'went well, the others did not'}`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

function describeResult(result: FileResult): string {
  const state = stateOf(result);
  const name = printable(result.path);
  if (state === 'failed') return `failed       ${name}: ${printable(describeFailure(result.failure))}`;
  const id = result.videoId ? `, video ${result.videoId}` : '';
  const details = `${formatSize(result.sizeBytes ?? 0)} in ${formatSpan(result.tookMs)}${id}`;
  return `${state.padEnd(12)} ${name} (${details})`;
}
