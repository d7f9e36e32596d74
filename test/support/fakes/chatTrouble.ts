import type { Behaviour } from './behaviours.ts';

interface Choice {
  finish_reason: string;
  message: { content: string | null; refusal: string | null };
  error?: object;
}

interface Completion {
  choices: Choice[];
  [field: string]: unknown;
}

/** A good answer whose one choice is changed. */
const alterChoice = (change: (choice: Choice) => Choice): Behaviour => ({
  kind: 'alter',
  change: (body) => {
    const completion = body as Completion;
    return { ...completion, choices: completion.choices.map(change) };
  },
});

/** Any text in place of the JSON that was asked for. */
export const saying = (content: string | null): Behaviour =>
  alterChoice((choice) => ({ ...choice, message: { ...choice.message, content } }));

export const captioned = (caption: string): Behaviour => saying(JSON.stringify({ caption }));

/** An error that came when the model had begun. */
export const failedChoice = (code: number): Behaviour =>
  alterChoice((choice) => ({
    ...choice,
    finish_reason: 'error',
    error: { code, message: 'Provider returned error' },
  }));

/** What goes wrong in the ways of chat completions, by names that a person may ask for. */
export const CHAT_TROUBLE = {
  no_credit: {
    kind: 'answer',
    status: 402,
    body: {
      error: { code: 402, message: 'Insufficient credits. Add more at https://openrouter.ai/credits' },
    },
  },
  moderated: {
    kind: 'answer',
    status: 403,
    body: {
      error: {
        ...{ code: 403, message: 'Input was flagged' },
        metadata: { reasons: ['violence'], flagged_input: 'what was sent', provider_name: 'fake' },
      },
    },
  },
  no_choices: { kind: 'alter', change: (body) => ({ ...(body as Completion), choices: [] }) },
  choice_error: failedChoice(502),
  /** Made whole by somebody on the way, so that only this word tells that it is not. */
  unfinished: alterChoice((choice) => ({ ...choice, finish_reason: 'length' })),
  filtered: alterChoice((choice) => ({ ...choice, finish_reason: 'content_filter' })),
  refusal: alterChoice((choice) => ({
    ...choice,
    message: { content: null, refusal: 'I cannot help with that.' },
  })),
  plain_text: saying('Here is your caption: a fine day!'),
  too_long: captioned('One more sentence of it. '.repeat(3000)),
} satisfies Record<string, Behaviour>;
