import type { TranscriptSegment } from '../../src/domain/transcript.ts';
import { type Answer, startApi, type TestApi, type TestUser } from './api.ts';
import { FACTS, makeReady } from './processedVideo.ts';
import { videoBytes } from './uploading.ts';

export const TRANSCRIPT_TYPES = {
  json: 'application/json',
  vtt: 'text/vtt',
  srt: 'application/x-subrip',
  txt: 'text/plain',
} as const;
export type TranscriptFormat = keyof typeof TRANSCRIPT_TYPES;

/** An API, a user, and what one does with transcripts there. */
export interface TranscriptCalls {
  readonly api: TestApi;
  readonly user: TestUser;
  /** Makes a video that is ready, and says nothing of its language. @returns its id */
  makeVideo(): Promise<string>;
  addMachine(id: string, segments: TranscriptSegment[]): Promise<unknown>;
  get(
    id: string,
    format: TranscriptFormat,
    query?: string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  put(
    id: string,
    type: string,
    body: string | Uint8Array<ArrayBuffer>,
    query?: string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  putJson(id: string, json: unknown): Promise<Answer>;
}

/** Sets them up for the tests of the `describe` that it is called in. */
export function useTranscripts(): TranscriptCalls {
  const bytes = videoBytes(4096, 'transcripts');
  const here = {
    makeVideo: () => makeReady(here.api, here.user, { bytes, facts: { ...FACTS, language: null } }),
    addMachine: (videoId, segments) =>
      here.api.db.transcripts.add({ videoId, kind: 'machine', language: 'en', model: 'whisper-1', segments }),
    get: (id, format, query = '', headers = {}) =>
      here.api.call(`/v1/videos/${id}/transcript.${format}${query}`, { token: here.user.token, headers }),
    put: (id, type, body, query = '', headers = {}) =>
      here.api.call(`/v1/videos/${id}/transcript${query}`, {
        method: 'PUT',
        token: here.user.token,
        headers: { ...headers, 'content-type': type },
        body,
      }),
    putJson: (id, json) => here.put(id, 'application/json', JSON.stringify(json)),
  } as { -readonly [Name in keyof TranscriptCalls]: TranscriptCalls[Name] };
  before(async () => {
    here.api = await startApi();
    here.user = await here.api.makeUser();
  });
  after(() => here.api?.close());
  return here;
}

/** The texts of an answered transcript. */
export const textsOf = ({ body }: Answer): string[] =>
  body.segments.map(({ text }: { text: string }) => text);
