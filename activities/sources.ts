import { sourceUrlPlace } from '../src/domain/sealedPlaces.ts';
import { SourceMissingError } from '../src/errors.ts';
import type { StepInput } from '../workflows/contract.ts';
import { quotaLimits } from './attempt.ts';
import type { ActivityDeps } from './index.ts';
import { createSourceSink, type SourceSink } from './sourceSink.ts';
import { runStep, type StepOutcome, type StepResults, type StepWork } from './steps.ts';

/** Bringing a video's source here from the address that its owner gave. */
export function createSourceActivities(deps: ActivityDeps) {
  const { config, db, egress, sealer, storage } = deps;

  /** Before hours of transfer, where the length is known; what is certain is only known when it is here. */
  const admit = (userId: string) => (totalBytes: number | null) =>
    db.transaction(({ uploads }) => uploads.assertRoom(userId, totalBytes ?? 1, quotaLimits(config)));

  async function fetchInto(sink: SourceSink, { video, watch }: StepWork): Promise<{ sizeBytes: number }> {
    if (!video.sourceUrl) throw new SourceMissingError('The video has no address to fetch it from');
    const { sizeBytes } = await egress.download({
      // Older versions kept it as it was given.
      url: sealer.openIfSealed(video.sourceUrl, sourceUrlPlace(video.id)),
      sink,
      maxBytes: config.MAX_UPLOAD_BYTES,
      maxSec: config.INGEST_MAX_SEC,
      minBytesPerSec: config.INGEST_MIN_BYTES_PER_SEC,
      signal: watch.signal,
    });
    const stored = await sink.commit();
    if (stored.sizeBytes === sizeBytes) return stored;
    throw new Error(`${sizeBytes} bytes were received but ${stored.sizeBytes} stored`);
  }

  async function fetchVideo(step: StepWork): Promise<StepResults> {
    const key = step.sourceKey();
    const sink = createSourceSink({
      ...{ storage, key, minFreeBytes: config.MIN_FREE_BYTES },
      admit: admit(step.video.user.id),
      onProgress: step.watch.onProgress,
    });
    try {
      return { source: { key, ...(await fetchInto(sink, step)) } };
    } finally {
      await sink.abort();
    }
  }

  return {
    /** Fetches the source of a video that was given by its address. */
    fetchSource: (input: StepInput): Promise<StepOutcome> => runStep(deps, input, 'source', fetchVideo),
  };
}
