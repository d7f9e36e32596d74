import { Context } from '@temporalio/activity';
import type { CaptionText } from '../src/db/captions.ts';
import type { StoredError } from '../src/db/storedError.ts';
import { transcriptText } from '../src/domain/transcript.ts';
import { VideoflowError } from '../src/errors.ts';
import type { RunState } from '../src/flows.ts';
import type { CaptionFailureInput, CaptionInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { keepPaid } from './keepPaid.ts';
import { endIfCancelled, pages, withPulse } from './longWork.ts';

/** How a caption ends whose run closed, or was lost, without settling it. */
const ERROR_BY_END: Partial<Record<RunState, StoredError>> = {
  terminated: {
    code: 'ended_by_operator',
    message: 'An operator ended the writing; ask again',
    retryable: true,
  },
};
const LOST: StoredError = {
  code: 'workflow_failed',
  message: 'The writing ended unexpectedly; ask again',
  retryable: true,
};

/** A worker without the key that the API has: they are configured apart. */
class NoCaptionWriterError extends VideoflowError {
  readonly code = 'no_caption_writer';
  override readonly retryClass = 'blocked';
}

/** What was there when the caption was asked for is gone. */
class NothingToCaptionError extends VideoflowError {
  readonly code = 'no_transcript';
}

/** It is written and paid for, and lost. The engine would have it written again, and pay for each. */
class CaptionNotKeptError extends VideoflowError {
  readonly code = 'database_unavailable';
  override readonly retryClass = 'blocked';
}

/** Captions, written because somebody asked for them. What is sent and what is answered stays in the database. */
export function createCaptionActivities({
  db,
  captionWriter,
  log,
  keepAgainAfterMs,
}: Pick<ActivityDeps, 'db' | 'captionWriter' | 'log'> & { keepAgainAfterMs?: readonly number[] }) {
  async function findTranscript(videoId: string | undefined): Promise<string | null> {
    const transcript = videoId === undefined ? null : await db.transcripts.findCurrent(videoId);
    return transcript ? transcriptText(transcript).trim() || null : null;
  }

  /** @returns whether it was still wanted */
  async function keep(captionId: string, written: CaptionText): Promise<boolean> {
    const options = {
      signal: Context.current().cancellationSignal,
      log: log.child({ module: 'activities', captionId }),
      ...(keepAgainAfterMs && { againAfterMs: keepAgainAfterMs }),
    };
    try {
      return await keepPaid(() => db.captions.succeed(captionId, written), options);
    } catch (error) {
      endIfCancelled();
      throw new CaptionNotKeptError('The caption was written and could not be kept', { cause: error });
    }
  }

  return {
    /** Has a caption written and keeps it, unless it has ended or is gone: none is paid for twice. */
    askForCaption: ({ captionId }: CaptionInput): Promise<'written' | 'unwanted'> =>
      withPulse(async () => {
        const row = await db.captions.findRunning(captionId);
        if (!row) return 'unwanted';
        if (!captionWriter) throw new NoCaptionWriterError('The worker has no access to a language model');
        const { prompt = null, platform = null, wantedModel = null } = row;
        const transcript = await findTranscript(row.video?.id);
        if (prompt === null && transcript === null)
          throw new NothingToCaptionError('There is nothing to write a caption from');
        const request = { prompt, transcript, platform, model: wantedModel };
        const written = await captionWriter
          .write(request, Context.current().cancellationSignal)
          .catch((error: unknown) => {
            endIfCancelled();
            throw error;
          });
        return (await keep(captionId, written)) ? 'written' : 'unwanted';
      }),

    failCaption: async ({ captionId, error }: CaptionFailureInput): Promise<void> => {
      await db.captions.fail(captionId, error);
    },
  };
}

/** Ends the rows of captions that nobody writes any more: their run was ended, or the engine lost it, or never knew of it. */
export async function settleLostCaptions({ db, flows }: Pick<ActivityDeps, 'db' | 'flows'>): Promise<void> {
  for await (const rows of pages(
    (after) => db.captions.listUnended(after),
    ({ id }) => id,
  ))
    for (const { id } of rows) {
      const state = await flows.describeCaptionRun(id);
      if (state !== 'open') await db.captions.fail(id, ERROR_BY_END[state] ?? LOST);
      Context.current().heartbeat();
    }
}
