import type { NewAsset } from '../src/db/assets.ts';
import type { Video } from '../src/db/entities/video.ts';
import type { NewSource, StepAttempt, StepBeginning } from '../src/db/steps.ts';
import type { NewTranscript } from '../src/db/transcripts.ts';
import type { MediaFacts } from '../src/domain/media.ts';
import type { TranscriptWish } from '../src/domain/transcript.ts';
import type { StepName } from '../src/domain/video.ts';
import type { Watch } from '../src/media/index.ts';
import type { StepInput } from '../workflows/contract.ts';
import { quotaLimits, runAttempt } from './attempt.ts';
import type { ActivityDeps } from './index.ts';

/** What the work on a step is given. */
export interface StepWork {
  video: Video;
  /** What its caller wants of it; null for nothing in particular. */
  options: TranscriptWish | null;
  watch: Watch;
  /** A folder of this attempt's own; gone when the attempt ends. */
  scratchDir: string;
  /** Names an object that only this attempt writes. */
  assetKey(name: string): string;
  /** The same for the source itself. */
  sourceKey(): string;
  /** As in `AttemptTools`. */
  noteProgress(): void;
}

export interface StepResults {
  facts?: MediaFacts;
  assets?: NewAsset[];
  source?: NewSource;
  transcript?: Omit<NewTranscript, 'videoId'>;
  /** This way of doing it came to nothing, or was only a part: the step is queued again for the next one. */
  isHandedBack?: boolean;
  /** Of the source, where that was found on the way. */
  sourceSha256?: string;
}

export type StepOutcome = 'done' | 'superseded' | 'cancelled' | 'handed_back';

type Begun = Omit<Extract<StepBeginning, { outcome: 'go' }>, 'outcome'>;

/** Does one attempt at a step of a video: see `runAttempt`. */
export async function runStep(
  deps: ActivityDeps,
  { videoId, run, requestId }: StepInput,
  name: StepName,
  work: (step: StepWork) => Promise<StepResults>,
): Promise<StepOutcome> {
  const log = deps.log.child({ module: 'activities', videoId, run, step: name, request_id: requestId });
  const { db } = deps;
  const ended = await runAttempt<Begun, StepResults, StepOutcome>(
    { ...deps, log },
    {
      begin: () => db.steps.beginStep({ videoId, name, run }),
      showProgress: ({ attempt }, percent) => db.steps.showProgress({ videoId, name, attempt }, percent),
      work: ({ attempt, video, options }, { scratchDir, watch, note, noteProgress }) =>
        work({
          video,
          options,
          scratchDir,
          watch,
          noteProgress,
          assetKey: (file) => note(`assets/${video.id}/${run}-${attempt}-${file}`),
          sourceKey: () => note(`sources/${video.id}/${run}-${attempt}`),
        }),
      end: ({ attempt, video }, results) =>
        recordEnd(deps, { attempt: { videoId, name, attempt }, video, results }),
    },
  );
  return 'made' in ended && ended.made.isHandedBack ? 'handed_back' : ended.outcome;
}

/** Records what was made. A source that was fetched counts from here on, so there must be room for it. */
function recordEnd(
  { db, config }: ActivityDeps,
  { attempt, video, results }: { attempt: StepAttempt; video: Video; results: StepResults },
): Promise<{ replacedKeys: string[] } | null> {
  const { source, transcript } = results;
  if (results.isHandedBack) return db.stepHandBack.handBack(attempt, results);
  return db.transaction(async (queries) => {
    if (source) await queries.uploads.assertRoom(video.user.id, source.sizeBytes, quotaLimits(config));
    const end = await queries.steps.completeStep(attempt, results);
    if (!end || !transcript) return end;
    await queries.transcripts.add({ ...transcript, videoId: video.id });
    // It was extracted for this alone.
    const speechKeys = await queries.transcriptSteps.dropSpeech(video.id);
    return { replacedKeys: [...end.replacedKeys, ...speechKeys] };
  });
}
