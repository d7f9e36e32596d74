import type { Video } from '../src/db/entities/video.ts';
import type { NewAsset, NewSource, StepAttempt } from '../src/db/steps.ts';
import type { MediaFacts } from '../src/domain/media.ts';
import type { StepName } from '../src/domain/video.ts';
import type { Watch } from '../src/media/index.ts';
import type { StepInput } from '../workflows/contract.ts';
import { quotaLimits, runAttempt } from './attempt.ts';
import type { ActivityDeps } from './index.ts';

/** What the work on a step is given. */
export interface StepWork {
  video: Video;
  watch: Watch;
  /** A folder of this attempt's own; gone when the attempt ends. */
  scratchDir: string;
  /** Names an object that only this attempt writes. */
  assetKey(name: string): string;
  /** The same for the source itself. */
  sourceKey(): string;
}

export interface StepResults {
  facts?: MediaFacts;
  assets?: NewAsset[];
  source?: NewSource;
  /** This way of doing it came to nothing: the step is queued again for the other one. */
  isHandedBack?: boolean;
}

export type StepOutcome = 'done' | 'superseded' | 'cancelled' | 'handed_back';

/** Does one attempt at a step of a video: see `runAttempt`. */
export async function runStep(
  deps: ActivityDeps,
  { videoId, run, requestId }: StepInput,
  name: StepName,
  work: (step: StepWork) => Promise<StepResults>,
): Promise<StepOutcome> {
  const log = deps.log.child({ module: 'activities', videoId, run, step: name, request_id: requestId });
  const { db } = deps;
  const ended = await runAttempt<{ attempt: number; video: Video }, StepResults, StepOutcome>(
    { ...deps, log },
    {
      begin: () => db.steps.beginStep({ videoId, name, run }),
      showProgress: ({ attempt }, percent) => db.steps.showProgress({ videoId, name, attempt }, percent),
      work: ({ attempt, video }, { scratchDir, watch, note }) =>
        work({
          video,
          scratchDir,
          watch,
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
  const { source } = results;
  if (results.isHandedBack) return db.playbackSteps.handBack(attempt);
  if (!source) return db.steps.completeStep(attempt, results);
  return db.transaction(async ({ uploads, steps }) => {
    await uploads.assertRoom(video.user.id, source.sizeBytes, quotaLimits(config));
    return steps.completeStep(attempt, results);
  });
}
