import { createLog } from '../../src/log.ts';
import { createTranscriber, type TranscribeRequest, type Transcriber } from '../../src/transcriber/index.ts';
import type { Fakes } from './fakes/server.ts';

/** What a test says about a request; the rest is that of a short Opus file for Whisper. */
export type Asked = Partial<Omit<TranscribeRequest, 'options'>> & Partial<TranscribeRequest['options']>;

/** The adapter at a fake, with every line that it logs. */
export function transcriberAt(
  fakes: Pick<Fakes, 'baseUrl' | 'apiKey'>,
  patienceMs?: number,
): { transcriber: Transcriber; lines: string[]; config: { OPENAI_API_KEY: string } } {
  const lines: string[] = [];
  const log = createLog(
    { level: 'trace', program: 'test' },
    { write: (line: string) => void lines.push(line) },
  );
  const config = {
    ...{ OPENAI_BASE_URL: fakes.baseUrl, OPENAI_API_KEY: fakes.apiKey, TRANSCRIBE_MODEL: 'whisper-1' },
  };
  const transcriber = createTranscriber({
    ...{ config, log },
    ...(patienceMs !== undefined && { patienceMs: () => patienceMs }),
  });
  if (!transcriber) throw new Error('no transcriber is configured');
  return { transcriber, lines, config };
}

/** A request for the transcription of these bytes. */
export function requestFor(
  bytes: Uint8Array,
  { model, language, prompt, ...rest }: Asked = {},
): TranscribeRequest {
  return {
    ...{ bytes, contentType: 'audio/ogg', extension: 'ogg', durationSec: 8 },
    ...rest,
    options: { model: model ?? 'whisper-1', ...(language && { language }), ...(prompt && { prompt }) },
  };
}
