import { wrongKey } from './behaviours.ts';
import { type Heard, listen } from './hearing.ts';
import type { Received } from './receive.ts';
import { type FakeAnswer, type FakeOptions, type FakeRoute, type Fakes, startFakes } from './server.ts';
import { checkForm, checkSound, extensionOf, MODELS } from './transcriptionRules.ts';
import { cueBody, diarizedBody, plainBody, type Said, textBody, verboseBody } from './transcriptionShapes.ts';

/** What a sound is answered with; undefined for what `describeSound` makes of it. */
export type Say = (heard: Heard, received: Received) => Said | undefined;

/**
 * Answers by content: a segment for each place where something is heard, `w<index> hz<frequency> f<file>.`: its place
 * in the file, its frequency and the beginning of the file's SHA-256. Speakers take turns.
 */
export function describeSound({ ranges }: Heard, { file, fields }: Received): Said {
  const mark = file?.sha256.slice(0, 8) ?? '';
  return {
    language: fields.language?.[0] ?? fields['languages[]']?.[0] ?? 'en',
    segments: ranges.map(({ startSec, endSec, frequencyHz }, index) => ({
      ...{ startSec, endSec, text: `w${index} hz${frequencyHz} f${mark}.` },
      speaker: index % 2 === 0 ? 'A' : 'B',
    })),
  };
}

/** `POST /v1/audio/transcriptions`, as strict as OpenAI's own. `more` names models of other servers, with the rules of one of its own. */
export function createTranscriptionsRoute({
  say = () => undefined,
  more = {},
}: {
  say?: Say;
  more?: Record<string, keyof typeof MODELS>;
} = {}): FakeRoute {
  const known = { ...MODELS };
  for (const [name, like] of Object.entries(more)) {
    const rules = MODELS[like];
    if (rules) known[name] = rules;
  }
  const listenOnce = rememberHeard();
  return {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    refuseKey: wrongKey,
    answer: async (received) => {
      const complaint = checkForm(received, known);
      if (complaint) return complaint;
      const { file, fileBytes } = received;
      const heard = await listenOnce(file?.sha256 ?? '', fileBytes, extensionOf(file?.name ?? ''));
      const soundComplaint = checkSound(received, heard, known);
      if (soundComplaint || !heard) return soundComplaint ?? { status: 500, body: {} };
      return shape(say(heard, received) ?? describeSound(heard, received), heard, received);
    },
  };
}

/** The same bytes sound the same: decoding is most of what an answer takes. */
function rememberHeard() {
  const remembered = new Map<string, Promise<Heard | null>>();
  return (sha256: string, bytes: Uint8Array | null, extension: string): Promise<Heard | null> => {
    const key = `${sha256}.${extension}`;
    const heard = remembered.get(key) ?? listen(bytes ?? new Uint8Array(), extension);
    remembered.set(key, heard);
    return heard;
  };
}

function shape(said: Said, { durationSec }: Heard, { fields }: Received): FakeAnswer {
  const text = { 'content-type': 'text/plain; charset=utf-8' };
  switch (fields.response_format?.[0]) {
    case 'verbose_json':
      return { status: 200, body: verboseBody(said, durationSec, fields['timestamp_granularities[]'] ?? []) };
    case 'diarized_json':
      return { status: 200, body: diarizedBody(said, durationSec) };
    case 'text':
      return { status: 200, body: textBody(said), headers: text };
    case 'srt':
      return { status: 200, body: cueBody(said, 'srt'), headers: text };
    case 'vtt':
      return { status: 200, body: cueBody(said, 'vtt'), headers: text };
    default:
      return { status: 200, body: plainBody(said, durationSec, fields.model?.[0] ?? '') };
  }
}

/** A server with transcriptions alone, for tests. Its `requests` count; `behave` and `behaveBy` let it misbehave. */
export const startFakeTranscriber = ({
  say,
  more,
  ...options
}: Omit<FakeOptions, 'routes'> & {
  say?: Say;
  more?: Record<string, keyof typeof MODELS>;
} = {}): Promise<Fakes> =>
  startFakes({
    ...options,
    routes: [createTranscriptionsRoute({ ...(say && { say }), ...(more && { more }) })],
  });
