/** What a fake says about a sound; times in seconds from the sound's beginning. */
export interface Said {
  /** ISO 639-1. */
  language: string;
  segments: SaidSegment[];
}

export interface SaidSegment {
  startSec: number;
  endSec: number;
  text: string;
  /** `A`, `B` …; only diarizing models tell it. */
  speaker?: string;
  /** Made from the text, in equal parts of the time, where it is left out. */
  words?: { startSec: number; endSec: number; text: string }[];
}

const wordsOf = ({ startSec, endSec, text, words }: SaidSegment) => {
  if (words) return words;
  const parts = text.split(/\s+/).filter(Boolean);
  const each = (endSec - startSec) / parts.length;
  return parts.map((part, index) => ({
    startSec: startSec + index * each,
    endSec: startSec + (index + 1) * each,
    text: part,
  }));
};

const languageName = (code: string): string =>
  (new Intl.DisplayNames('en', { type: 'language' }).of(code) ?? code).toLowerCase();

/** whisper-1 tells words without the punctuation around them, while the texts have it. */
const bare = (word: string): string => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '') || word;

const wholeText = ({ segments }: Said): string => segments.map(({ text }) => text).join(' ');

const seconds = (durationSec: number) => ({ type: 'duration', seconds: Math.ceil(durationSec) });

const tokens = (durationSec: number, text: string) => {
  const audio = Math.ceil(durationSec * 10);
  const output = Math.ceil(text.length / 4);
  return {
    type: 'tokens',
    input_tokens: audio,
    input_token_details: { text_tokens: 0, audio_tokens: audio },
    output_tokens: output,
    total_tokens: audio + output,
  };
};

/** The body of `verbose_json`, as whisper-1 gives it: the language by its English name, texts that begin with a space. */
export function verboseBody(said: Said, durationSec: number, granularities: string[]): object {
  const hasSegments = granularities.length === 0 || granularities.includes('segment');
  return {
    task: 'transcribe',
    language: languageName(said.language),
    duration: durationSec,
    text: wholeText(said),
    ...(hasSegments && {
      segments: said.segments.map(({ startSec, endSec, text }, id) => ({
        ...{ id, seek: 0, start: startSec, end: endSec, text: ` ${text}`, tokens: [50364, 50414] },
        ...{ temperature: 0, avg_logprob: -0.28, compression_ratio: 1.2, no_speech_prob: 0.01 },
      })),
    }),
    ...(granularities.includes('word') && {
      words: said.segments
        .flatMap(wordsOf)
        .map(({ startSec, endSec, text }) => ({ word: bare(text), start: startSec, end: endSec })),
    }),
    usage: seconds(durationSec),
  };
}

/** The body of `diarized_json`. */
export const diarizedBody = (said: Said, durationSec: number): object => ({
  task: 'transcribe',
  duration: durationSec,
  text: wholeText(said),
  segments: said.segments.map(({ startSec, endSec, text, speaker }, index) => ({
    ...{ type: 'transcript.text.segment', id: `seg_${index}` },
    ...{ start: startSec, end: endSec, text, speaker: speaker ?? 'A' },
  })),
  usage: tokens(durationSec, wholeText(said)),
});

/** The body of `json`; only the newest model tells languages. */
export const plainBody = (said: Said, durationSec: number, model: string): object => ({
  text: wholeText(said),
  ...(model === 'gpt-transcribe' && { languages: [{ code: said.language }] }),
  usage: model === 'whisper-1' ? seconds(durationSec) : tokens(durationSec, wholeText(said)),
});

/** The body of `srt` and `vtt`. */
export function cueBody(said: Said, format: 'srt' | 'vtt'): string {
  const time = (sec: number): string => {
    const text = new Date(Math.round(sec * 1000)).toISOString().slice(11, 23);
    return format === 'srt' ? text.replace('.', ',') : text;
  };
  const cues = said.segments.map(({ startSec, endSec, text }, index) => {
    const number = format === 'srt' ? `${index + 1}\n` : '';
    return `${number}${time(startSec)} --> ${time(endSec)}\n${text}\n\n`;
  });
  return `${format === 'vtt' ? 'WEBVTT\n\n' : ''}${cues.join('')}`;
}

export const textBody = (said: Said): string => `${wholeText(said)}\n`;
