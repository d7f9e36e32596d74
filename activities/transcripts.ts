import { ApplicationFailure } from '@temporalio/common';
import type { StoredError } from '../src/db/storedError.ts';
import { hasSound, type TranscriptOrigin } from '../src/db/transcriptOrigins.ts';
import { type CarriedTranscript, carryOver, startsByLength } from '../src/domain/carriedTranscript.ts';
import type { FailureKind } from '../src/domain/retries.ts';
import { joinAnswers } from '../src/domain/transcriptJoin.ts';
import { UnusableMediaError } from '../src/errors.ts';
import type { StepInput } from '../workflows/contract.ts';
import { answerChunks } from './chunkAnswers.ts';
import type { ActivityDeps } from './index.ts';
import { EXTRACTION_PERCENT, extractSpeech, findSpeech } from './speech.ts';
import { NoTranscriberError, NotWantedError, SpeechMissingError } from './speechErrors.ts';
import { runStep, type StepOutcome, type StepResults, type StepWork } from './steps.ts';
import { createTurns } from './turns.ts';

/** What a video's step `transcript` comes to. */
export type TranscriptWay = 'none' | 'carry' | 'transcribe';

/** The transcripts of videos: their own, and those that a trim or a merge carries over. */
export function createTranscriptActivities(deps: ActivityDeps) {
  const { db, transcriber } = deps;
  // One limit for all videos of this worker.
  const inTurn = createTurns(() => deps.config.TRANSCRIBE_CONCURRENCY);

  const skip = async ({ videoId, run }: StepInput, reason: StoredError): Promise<TranscriptWay> => {
    await db.steps.skipStep({ videoId, run, name: 'transcript' }, reason);
    return 'none';
  };

  /** The model that a step is done by. @throws NotWantedError; NoTranscriberError */
  function choose({ options }: Pick<StepWork, 'options'>) {
    if (options?.carriesOnly) throw new NotWantedError(NOT_WANTED.message);
    if (!transcriber) throw new NoTranscriberError('No transcriber is configured');
    const model = options?.model ?? transcriber.defaultModel;
    return { transcriber, options: { ...options, model }, limits: transcriber.limitsOf(model) };
  }

  async function transcribe(step: StepWork): Promise<StepResults> {
    const { video, watch, noteProgress } = step;
    const { limits, ...chosen } = choose(step);
    const speech = await findSpeech(deps, video, limits);
    if (!speech)
      throw new SpeechMissingError('The extracted sound is not there, or was cut for another model');
    const onShare = (share: number) =>
      watch.onProgress(EXTRACTION_PERCENT + (100 - EXTRACTION_PERCENT) * share);
    const asking = { ...chosen, speech, userId: video.user.id, signal: watch.signal, onShare, noteProgress };
    const { language, segments } = joinAnswers(await answerChunks({ ...deps, inTurn }, asking));
    const { model, language: wanted = null } = chosen.options;
    return { transcript: { kind: 'machine', model, language: language ?? wanted, segments } };
  }

  /** Ends the step well where it turns out that there is nothing to be done, or nobody who could. */
  const orSkip = (input: StepInput, work: (step: StepWork) => Promise<StepResults>): Promise<StepOutcome> =>
    runStep(deps, input, 'transcript', work).catch(async (error: unknown) => {
      const reason = reasonToSkip(error);
      if (!reason) throw error;
      await skip(input, reason);
      return 'done' as const;
    });

  return {
    /**
     * How a video comes to its transcript. A step that has nothing to do ends here; the engine repeats this while the
     * words of a video that it was made of are still being found.
     */
    async chooseTranscript(input: StepInput): Promise<TranscriptWay> {
      const waiting = await db.transcriptSteps.findWaiting(input.videoId, input.run);
      if (!waiting) return 'none';
      if (hasSound(waiting.video) === false) return skip(input, NO_AUDIO);
      const { options } = waiting;
      const carriesOnly = isCarriedOnly(options);
      // Whoever asks for it to be made does not want what is there.
      const isAskedFor = options !== null && !carriesOnly;
      const origin = isAskedFor ? OWN : await db.transcriptOrigins.find(input.videoId, { carriesOnly });
      // In the engine's own words at once: waiting is no trouble, and the log need not hear of it.
      if (origin.outcome === 'waiting') throw stillTranscribed(origin.videoId);
      if (origin.outcome === 'parents') return 'carry';
      if (carriesOnly) return skip(input, NOT_WANTED);
      return transcriber ? 'transcribe' : skip(input, NO_TRANSCRIBER);
    },

    /**
     * Takes over what is said in the videos that this one was made of; hands back where that is not there any more, and
     * fails for now where it is being made again.
     */
    carryTranscript: (input: StepInput): Promise<StepOutcome> =>
      runStep(deps, input, 'transcript', async ({ video, options }) => {
        const carriesOnly = isCarriedOnly(options);
        const origin = await db.transcriptOrigins.find(video.id, { carriesOnly });
        if (origin.outcome === 'waiting') throw stillTranscribed(origin.videoId);
        if (origin.outcome !== 'parents') return { isHandedBack: true };
        return { transcript: carryFrom(origin, video.durationSec ?? 0) };
      }),

    /** Extracts the sound, in chunks, and hands the step on. */
    extractSpeech: (input: StepInput): Promise<StepOutcome> =>
      orSkip(input, (step) => extractSpeech(deps, step, choose(step).limits)),

    /** Has the chunks transcribed and joins what is answered. */
    transcribeSpeech: (input: StepInput): Promise<StepOutcome> => orSkip(input, transcribe),
  };
}

const OWN: TranscriptOrigin = { outcome: 'own' };
const NO_TRANSCRIBER = { code: 'no_transcriber', message: 'No transcriber is configured', retryable: false };
const NO_AUDIO = {
  code: 'no_audio',
  message: 'The video has no sound that can be decoded',
  retryable: false,
};

const NOT_WANTED = {
  code: 'not_wanted',
  message: 'A video that this one was made of was to have no transcript',
  retryable: false,
};

const isCarriedOnly = (options: StepWork['options']): boolean => options?.carriesOnly === true;

/**
 * A track that turns out to hold nothing; words that were to be carried over and went meanwhile; a worker that is not
 * configured as the one that chose.
 */
function reasonToSkip(error: unknown): StoredError | null {
  if (error instanceof UnusableMediaError && error.code === 'no_audio') return NO_AUDIO;
  if (error instanceof NoTranscriberError) return NO_TRANSCRIBER;
  return error instanceof NotWantedError ? NOT_WANTED : null;
}

const stillTranscribed = (videoId: string): ApplicationFailure =>
  ApplicationFailure.create({
    message: `The words of the video ${videoId} are still being found`,
    type: 'still_transcribed',
    details: ['outside' satisfies FailureKind],
  });

function carryFrom(
  { edit, parts }: Extract<TranscriptOrigin, { outcome: 'parents' }>,
  durationSec: number,
): CarriedTranscript {
  const spoken = parts.map(({ videoId, durationSec: lengthSec, transcript }) => ({
    videoId,
    durationSec: lengthSec ?? 0,
    transcript: transcript && {
      ...transcript,
      language: transcript.language ?? null,
      model: transcript.model ?? null,
    },
  }));
  const { usedStartSec = null, usedEndSec = null } = edit;
  const startsSec = edit.kind === 'merge' ? (edit.startsSec ?? startsByLength(spoken)) : null;
  return carryOver(spoken, { usedStartSec, usedEndSec, startsSec, durationSec });
}
