import type { TranscriptionCreateParamsNonStreaming } from 'openai/resources/audio/transcriptions';
import type { ChunkLimits } from '../domain/speech.ts';
import type { TranscriptOptions } from '../domain/transcript.ts';

type Fields = Omit<TranscriptionCreateParamsNonStreaming, 'file' | 'model'>;

/** How a family of models is asked. */
interface ModelRules {
  /** In the name of the model, wherever: other servers put their own name before it. */
  name: RegExp;
  limits: ChunkLimits;
  /** The same for every request. */
  fields: Fields;
  takesPrompt: boolean;
  /** Under which name a model is told what is spoken. */
  languageField: 'language' | 'languages';
}

/** An upload may have 25 MB; the form around the file, and whoever counts a million less, get the rest. */
const MAX_BYTES = 24_000_000;
/** Models with a limit refuse what is longer than 1400 or 1500 seconds, and an encoder may add to what was cut. */
const LONG: ChunkLimits = { maxSec: 1390, maxBytes: MAX_BYTES };
/** What tells no times is laid over what is heard in its chunk: the shorter, the nearer to its real place. */
const SHORT: ChunkLimits = { maxSec: 60, maxBytes: MAX_BYTES };

const untimed: Omit<ModelRules, 'name'> = {
  limits: SHORT,
  fields: { response_format: 'json' },
  takesPrompt: true,
  languageField: 'language',
};

/**
 * The families, the first that fits counts. Formats and fields as the `openai` package documents them; the longest
 * durations are those of the refusals ("audio duration 1830.5 seconds is longer than 1400 seconds which is the
 * maximum for this model").
 */
const FAMILIES: ModelRules[] = [
  {
    name: /diarize/i,
    limits: LONG,
    fields: { response_format: 'diarized_json', chunking_strategy: 'auto' },
    takesPrompt: false,
    languageField: 'language',
  },
  {
    // Also the Whisper of other servers, by whatever name: all that are known to have copied the endpoint have
    // copied this format, and a server that tells no words is understood without.
    name: /whisper/i,
    limits: LONG,
    fields: { response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'] },
    takesPrompt: true,
    languageField: 'language',
  },
  { ...untimed, name: /gpt-transcribe/i, languageField: 'languages' },
  // Models that came later, and those of other servers. Every server has `json`; to try `verbose_json` first would
  // cost a refused request for each chunk, and be paid twice where the refusal comes late. Those that answer with
  // segments all the same are understood.
  { ...untimed, name: /(?:)/ },
];

const rulesOf = (model: string): ModelRules =>
  FAMILIES.find(({ name }) => name.test(model)) ?? { ...untimed, name: /(?:)/ };

/** How large a chunk of sound the model takes. */
export const limitsOf = (model: string): ChunkLimits => rulesOf(model).limits;

type Options = TranscriptOptions & { model: string };

/** The options without what a model is not told. */
export function heededOf({ prompt, ...options }: Options): Options {
  const { takesPrompt } = rulesOf(options.model);
  return { ...options, ...(prompt !== undefined && takesPrompt && { prompt }) };
}

/** The fields of a request besides the file. */
export function fieldsFor(options: Options): Fields & { model: string } {
  const { model, language, prompt } = heededOf(options);
  const { fields, languageField } = rulesOf(model);
  return {
    ...fields,
    model,
    ...(language !== undefined && (languageField === 'language' ? { language } : { languages: [language] })),
    ...(prompt !== undefined && { prompt }),
  };
}
