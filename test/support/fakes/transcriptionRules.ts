import { extname } from 'node:path';
import type { Heard } from './hearing.ts';
import type { Received } from './receive.ts';
import type { FakeAnswer } from './server.ts';

/** What OpenAI's models of transcription allow; the figures are those of its errors and of its documentation. */
interface ModelRules {
  /** How the model is called in the words of a refusal. */
  formats: string[];
  longestSec: number | null;
  hasPrompt: boolean;
  hasTimes: boolean;
  /** Not allowed without a strategy of chunking above this length; null for never needed. */
  needsChunkingAboveSec: number | null;
  hasLanguages: boolean;
}

const UNTIMED: ModelRules = {
  ...{ formats: ['json', 'text'], longestSec: 1500, hasPrompt: true, hasTimes: false },
  ...{ needsChunkingAboveSec: null, hasLanguages: false },
};

export const MODELS: Record<string, ModelRules> = {
  'whisper-1': {
    ...UNTIMED,
    ...{ formats: ['json', 'text', 'srt', 'verbose_json', 'vtt'], longestSec: null, hasTimes: true },
  },
  'gpt-4o-transcribe': UNTIMED,
  'gpt-4o-mini-transcribe': UNTIMED,
  'gpt-4o-mini-transcribe-2025-12-15': UNTIMED,
  'gpt-transcribe': { ...UNTIMED, formats: ['json'], hasLanguages: true },
  'gpt-4o-transcribe-diarize': {
    ...UNTIMED,
    ...{ formats: ['json', 'text', 'diarized_json'], longestSec: 1400, hasPrompt: false },
    needsChunkingAboveSec: 30,
  },
};

const MAX_BYTES = 26_214_400;
const EXTENSIONS = ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm'];
const SHORTEST_SEC = 0.1;

/** Every field that the endpoint knows; a real server ignores others, here they are a mistake of ours. */
const FIELDS = new Set([
  ...['model', 'response_format', 'language', 'prompt', 'temperature', 'timestamp_granularities[]'],
  ...['chunking_strategy', 'include[]', 'stream', 'languages[]', 'keywords[]'],
]);

export const refuse = (
  status: number,
  message: string,
  { param = null, code = null }: { param?: string | null; code?: string | null } = {},
): FakeAnswer => ({
  status,
  body: {
    error: { message, type: status === 413 ? 'server_error' : 'invalid_request_error', param, code },
  },
});

const first = ({ fields }: Received, name: string): string | undefined => fields[name]?.[0];

/** What a name ends with, without the dot. */
export const extensionOf = (name: string): string => extname(name).slice(1).toLowerCase();

/** Checks the request's form before its sound; null when nothing is wrong with it. */
export function checkForm(received: Received, known: Record<string, ModelRules>): FakeAnswer | null {
  const { fields, file } = received;
  const unknown = Object.keys(fields).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) return refuse(400, `Unknown field of the form: ${unknown}`, { param: unknown });
  const model = first(received, 'model');
  if (model === undefined) return refuse(400, 'you must provide a model parameter');
  const rules = known[model];
  if (!rules) {
    const message = `The model \`${model}\` does not exist or you do not have access to it.`;
    return refuse(404, message, { code: 'model_not_found' });
  }
  if (file?.field !== 'file') return refuse(400, "'file' is a required property", { param: 'file' });
  if (file.sizeBytes > MAX_BYTES) {
    return refuse(
      413,
      `413: Maximum content size limit (${MAX_BYTES}) exceeded (${file.sizeBytes} bytes read)`,
    );
  }
  if (!EXTENSIONS.includes(extensionOf(file.name))) {
    const list = EXTENSIONS.map((extension) => `'${extension}'`).join(', ');
    return refuse(400, `Invalid file format. Supported formats: [${list}]`);
  }
  return checkFormat(received, model, rules);
}

function checkFormat(received: Received, model: string, rules: ModelRules): FakeAnswer | null {
  const format = first(received, 'response_format') ?? 'json';
  if (!rules.formats.includes(format)) {
    const others = rules.formats.map((name) => `'${name}'`).join(' or ');
    const message = `response_format '${format}' is not compatible with model '${model}-api-ev3'. Use ${others} instead.`;
    return refuse(400, message, { param: 'response_format', code: 'unsupported_value' });
  }
  const granularities = received.fields['timestamp_granularities[]'];
  if (granularities && !(rules.hasTimes && format === 'verbose_json')) {
    const message = "timestamp_granularities are only supported with response_format 'verbose_json'.";
    return refuse(400, message, { param: 'timestamp_granularities', code: 'invalid_value' });
  }
  if (granularities?.some((name) => name !== 'word' && name !== 'segment')) {
    return refuse(400, 'Unknown timestamp granularity', { param: 'timestamp_granularities' });
  }
  if (received.fields.prompt && !rules.hasPrompt) {
    return refuse(400, 'Prompt is not supported for diarization models.', { param: 'prompt' });
  }
  if (received.fields['languages[]'] && !rules.hasLanguages) {
    return refuse(400, `languages is not supported for model '${model}'`, { param: 'languages' });
  }
  return checkLanguage(first(received, 'language') ?? first(received, 'languages[]'));
}

function checkLanguage(language: string | undefined): FakeAnswer | null {
  if (language === undefined || /^[a-z]{2}$/.test(language)) return null;
  const message = `Invalid language '${language}'. Language parameter must be specified in ISO-639-1 format.`;
  return refuse(400, message, { param: 'language', code: 'invalid_language_format' });
}

/** Checks the sound itself; null when it can be listened to. */
export function checkSound(
  received: Received,
  heard: Heard | null,
  known: Record<string, ModelRules>,
): FakeAnswer | null {
  const rules = known[first(received, 'model') ?? ''] ?? UNTIMED;
  if (!heard) {
    const message = 'Audio file might be corrupted or unsupported';
    return refuse(400, message, { param: 'file', code: 'invalid_value' });
  }
  const { durationSec } = heard;
  if (durationSec < SHORTEST_SEC) {
    const message = `Audio file is too short. Minimum audio length is ${SHORTEST_SEC} seconds.`;
    return refuse(400, message, { param: 'file', code: 'audio_too_short' });
  }
  if (rules.longestSec !== null && durationSec > rules.longestSec) {
    const limit = `${rules.longestSec} seconds which is the maximum for this model`;
    return refuse(400, `audio duration ${durationSec} seconds is longer than ${limit}`, {
      code: 'invalid_value',
    });
  }
  const needsChunking = rules.needsChunkingAboveSec !== null && durationSec > rules.needsChunkingAboveSec;
  if (needsChunking && received.fields.chunking_strategy === undefined) {
    const message = 'chunking_strategy is required for diarization models';
    return refuse(400, message, { param: 'chunking_strategy', code: 'invalid_value' });
  }
  return null;
}
