/**
 * Names that Whisper gives to languages where English as of CLDR has others, or none without an addition
 * (`openai/whisper`, `whisper/tokenizer.py`).
 */
const WHISPER_NAMES: Record<string, string> = {
  ...{ bengali: 'bn', burmese: 'my', castilian: 'es', cantonese: 'yue', chinese: 'zh', flemish: 'nl' },
  ...{ haitian: 'ht', letzeburgesch: 'lb', mandarin: 'zh', moldavian: 'ro', moldovan: 'ro', myanmar: 'my' },
  ...{ nynorsk: 'nn', panjabi: 'pa', pushto: 'ps', sinhalese: 'si', tagalog: 'tl', valencian: 'ca' },
};

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];

const withoutAccents = (name: string): string => name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** The English names of all languages that have two letters, and of Whisper's two that do not. */
function readNames(): Map<string, string> {
  const names = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
  const codes = [...LETTERS.flatMap((first) => LETTERS.map((second) => first + second)), 'haw', 'yue'];
  const found = codes.flatMap((code): [string, string][] => {
    const name = names.of(code);
    // A code that is out of use (`iw`) is another one's name.
    return name !== undefined && Intl.getCanonicalLocales(code)[0] === code
      ? [[withoutAccents(name), code]]
      : [];
  });
  return new Map([...found, ...Object.entries(WHISPER_NAMES)]);
}

const NAMES = readNames();
const TAG = /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i;

/**
 * Reads what a transcriber calls a language: an English name (`english`, as whisper-1 answers) or a tag.
 *
 * @returns the BCP 47 tag, `en`; null for what is neither
 */
export function readLanguage(answer: string): string | null {
  const text = answer.trim();
  const named = NAMES.get(withoutAccents(text));
  if (named !== undefined) return named;
  if (text.length > 35 || !TAG.test(text)) return null;
  try {
    return Intl.getCanonicalLocales(text)[0] ?? null;
  } catch {
    return null;
  }
}
