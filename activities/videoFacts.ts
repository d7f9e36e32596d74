import type { Video } from '../src/db/entities/video.ts';
import type { MediaFacts } from '../src/domain/media.ts';
import { NotProbedError, SourceMissingError } from '../src/errors.ts';

/** Where the bytes of a video are. @throws SourceMissingError */
export function sourceKey(video: Video): string {
  if (!video.sourceKey) throw new SourceMissingError('The video has no bytes yet');
  return video.sourceKey;
}

/** The facts of a video as its probe left them in the row. @throws NotProbedError */
export function factsOf(video: Video): MediaFacts {
  const { container, durationSec, sizeBytes, width, height, videoCodec, streams, videoStreamIndex } = video;
  const known = { container, durationSec, sizeBytes, width, height, videoCodec, streams, videoStreamIndex };
  if (Object.values(known).some((fact) => fact === null || fact === undefined)) {
    throw new NotProbedError('The video was not probed yet');
  }
  return {
    ...(known as Pick<MediaFacts, keyof typeof known>),
    fps: video.fps ?? null,
    rotation: video.rotation ?? 0,
    audioCodec: video.audioCodec ?? null,
    hasAudio: video.hasAudio ?? false,
    language: video.language ?? null,
    isProgressive: video.isProgressive ?? null,
  };
}
