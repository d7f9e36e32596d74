import type { Video } from '../db/entities/video.ts';
import { AUDIO_CONTENT_TYPES, AUDIO_FORMATS, type AudioFormat } from '../domain/audio.ts';
import { answerOnDemand, onDemandResponses } from './onDemand.ts';
import { idParams } from './parse.ts';
import { HttpProblem } from './problem.ts';
import { defineRoute, type Reply, type Route, type RouteRequest } from './route.ts';
import { missing } from './videoFiles.ts';
import { findVideo } from './videos.ts';

/** @throws HttpProblem `not_ready`, `no_audio` */
async function answerSound(
  request: RouteRequest,
  video: Video,
  format: AudioFormat,
): Promise<Reply | undefined> {
  const { deps } = request;
  if (video.status !== 'ready') {
    throw missing('not_ready', video, 'The video cannot be listened to, or not yet; its status says more');
  }
  if (!video.hasAudio) throw new HttpProblem('no_audio', 'The video has no sound');
  return answerOnDemand(request, video, {
    files: deps.db.sounds,
    variant: format,
    make: (asker, patience) => deps.flows.makeAudio({ ...asker, format }, patience),
    failures: FAILURES,
    nameEnd: `.${format}`,
    path: `audio.${format}`,
  });
}

/** The probe saw a sound track, and nothing of it can be decoded. */
const FAILURES = { corrupt_media: 'no_audio', unsupported_codec: 'no_audio' } as const;

const NAMES: Record<AudioFormat, { operationId: string; summary: string }> = {
  m4a: { operationId: 'getSoundAsAac', summary: 'The sound alone; AAC is copied as it is' },
  mp3: { operationId: 'getSoundAsMpeg', summary: 'The same as MP3, which is copied as well' },
  wav: { operationId: 'getSoundAsWav', summary: 'The same in samples of 16 bits' },
};

const audioRoute = (format: AudioFormat): Route =>
  defineRoute({
    method: 'get',
    path: `/v1/videos/:id/audio.${format}`,
    ...NAMES[format],
    tag: 'Videos',
    description:
      'Made when somebody asks first, and kept while somebody does. It begins with the video, so times mean the same in both.',
    scope: 'read',
    params: idParams,
    responses: {
      ...onDemandResponses(AUDIO_CONTENT_TYPES[format]),
      409: { description: '`no_audio`; `not_ready`' },
    },
    handler: async (request) => answerSound(request, await findVideo(request, request.params.id), format),
  });

export const audioRoutes: readonly Route[] = AUDIO_FORMATS.map(audioRoute);
