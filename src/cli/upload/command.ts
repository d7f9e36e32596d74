import { resolve } from 'node:path';
import { z } from 'zod';
import { type Client, createClient } from '../client.ts';
import { EXIT, type ExitCode, exitCodeOf } from '../exitCodes.ts';
import { InterruptedError, isNoAccess, RefusedError } from '../failures.ts';
import { withRetries } from '../retrying.ts';
import type { Session } from '../session.ts';
import { findAccess, stateDir } from '../settings.ts';
import { inspectFile } from './localFile.ts';
import { openUploadMemory } from './memory.ts';
import { readUploadRequest, type UploadRequest, uploadHelp } from './options.ts';
import { type ProgressView, showLines, showNothing } from './progress.ts';
import { createReport, describeFailure, type FileResult } from './report.ts';
import { type FileUpload, noFacts, uploadFile } from './uploadFile.ts';

/** A server that is not there is noticed soon; one that restarts is waited for. */
const FIRST_CONTACT_MS = 5_000;

/** `videoflow upload FILE…` */
export async function uploadCommand(args: string[], session: Session): Promise<ExitCode> {
  const request = readUploadRequest(args);
  if (!request) {
    session.stdout.write(uploadHelp());
    return EXIT.ok;
  }
  const giveUp = new AbortController();
  let refusal: unknown = null;
  const signal = AbortSignal.any([session.signal, giveUp.signal]);
  const client = createClient({
    access: findAccess(request.access, session),
    version: session.version,
    signal,
  });
  const user = await askWhoWeAre(client, signal, request.patienceMs);
  const memory = openUploadMemory({
    dir: stateDir(session),
    onTrouble: (reason) =>
      session.stderr.write(
        `videoflow: uploads cannot be remembered, and thus not gone on with later (${reason})\n`,
      ),
  });
  const view = await chooseView(request, session);
  const report = createReport(request, session);
  const { metadata, isToWait, patienceMs } = request;
  const job = { client, user, memory, metadata, isToWait, patienceMs, signal };
  try {
    await forEachAtOnce(uniquePaths(request.files, session.cwd), request.parallel, async (path) => {
      const result = await uploadPath(path, job, view);
      // Every other file would be refused for the same reason, which is then theirs, too.
      if (isNoAccess(result.failure)) {
        refusal ??= result.failure;
        giveUp.abort();
      }
      const isCutOff = refusal !== null && result.failure instanceof InterruptedError;
      report.add(isCutOff ? { ...result, failure: refusal } : result);
    });
  } finally {
    view.stop();
  }
  report.finish();
  return worstOf(report.results.map(({ failure }) => exitCodeOf(failure)));
}

/**
 * Asks who the token stands for: uploads are remembered for a user, and a wrong address or token is
 * noticed before anything is sent. A token that may only write is not told.
 */
async function askWhoWeAre(client: Client, signal: AbortSignal, patienceMs: number): Promise<string> {
  try {
    const { id } = await withRetries(() => client.get('/v1/me', z.object({ id: z.string() })), {
      signal,
      patienceMs: Math.min(patienceMs, FIRST_CONTACT_MS),
    });
    return id;
  } catch (error) {
    if (error instanceof RefusedError && error.code === 'insufficient_scope') return 'unknown';
    throw error;
  }
}

async function chooseView({ isJson }: UploadRequest, { stdout, stderr }: Session): Promise<ProgressView> {
  // Bars and lines on the same terminal would write over each other.
  if (stderr.isTTY && !(isJson && stdout.isTTY)) return (await import('./bars.ts')).showBars(stderr);
  return isJson ? showNothing() : showLines(stderr);
}

/** The same file twice would be two uploads that fight for one place. */
const uniquePaths = (files: string[], cwd: string): string[] => [
  ...new Map(files.map((given) => [resolve(cwd, given), given])).keys(),
];

async function uploadPath(
  path: string,
  job: Omit<FileUpload, 'file' | 'progress' | 'metadata'> & { metadata: Record<string, string> },
  view: ProgressView,
): Promise<FileResult> {
  const beganAtMs = Date.now();
  const facts = noFacts();
  let sizeBytes: number | null = null;
  let failure: unknown = null;
  try {
    if (job.signal.aborted) throw new InterruptedError();
    const file = await inspectFile(path);
    sizeBytes = file.sizeBytes;
    const progress = view.begin(file.name, file.sizeBytes);
    const metadata = { filename: file.name, ...job.metadata };
    await uploadFile({ ...job, file, metadata, progress }, facts)
      .then(() => progress.end(job.isToWait ? 'ready' : 'uploaded'))
      .catch((error: unknown) => {
        progress.end(describeFailure(error));
        throw error;
      });
  } catch (error) {
    failure = error;
  }
  return {
    path,
    sizeBytes,
    ...facts,
    isReady: job.isToWait && failure === null,
    failure,
    tookMs: Date.now() - beganAtMs,
  };
}

/** Works on a list, so many at a time, in order. */
async function forEachAtOnce<T>(items: T[], count: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
}

/** One code for several files: what concerns them all goes before what one of them met. */
const SEVERITY: ExitCode[] = [EXIT.interrupted, EXIT.broken, EXIT.noAccess, EXIT.someFailed, EXIT.usage];

const worstOf = (codes: ExitCode[]): ExitCode => SEVERITY.find((code) => codes.includes(code)) ?? EXIT.ok;
