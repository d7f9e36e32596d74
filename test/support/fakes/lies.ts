import type { Behaviour } from './behaviours.ts';

interface Timed {
  start: unknown;
  end: unknown;
  [field: string]: unknown;
}

interface Body {
  text: string;
  segments?: Timed[];
  words?: Timed[];
  [field: string]: unknown;
}

const everyTime = (body: Body, change: (item: Timed, index: number, all: Timed[]) => Timed): Body => ({
  ...body,
  ...(body.segments && { segments: body.segments.map(change) }),
  ...(body.words && { words: body.words.map(change) }),
});

const everyText = (body: Body, change: (text: string) => string): Body => ({
  ...body,
  text: change(body.text),
  ...(body.segments && {
    segments: body.segments.map((segment) => ({ ...segment, text: change(String(segment.text)) })),
  }),
  ...(body.words && { words: body.words.map((word) => ({ ...word, word: change(String(word.word)) })) }),
});

const repeated = (list: Timed[] | undefined): Timed[] =>
  (list ?? []).flatMap((item, index, all) =>
    index === 0 || index === all.length - 1 ? [item, { ...item }] : [item],
  );

/** Answers that are well-formed, and wrong. */
const LIES = {
  /** Everything is said long after the sound's end. */
  beyond: (body: Body) =>
    everyTime(body, (item) => ({ ...item, start: Number(item.start) + 1e6, end: Number(item.end) + 1e6 })),
  negative: (body: Body) =>
    everyTime(body, (item) => ({ ...item, start: -5 - Number(item.start), end: -1 - Number(item.end) })),
  backwards: (body: Body) => everyTime(body, (item) => ({ ...item, start: item.end, end: item.start })),
  outOfOrder: (body: Body) => ({
    ...body,
    ...(body.segments && { segments: body.segments.toReversed() }),
    ...(body.words && { words: body.words.toReversed() }),
  }),
  overlapping: (body: Body) => everyTime(body, (item) => ({ ...item, start: 0, end: Number(body.duration) })),
  /** What JSON makes of times that are no numbers. */
  notFinite: (body: Body) => everyTime(body, (item) => ({ ...item, start: null, end: 'NaN' })),
  /** The first and the last one twice, as models do at the edges of a chunk. */
  doubled: (body: Body) => ({
    ...body,
    ...(body.segments && { segments: repeated(body.segments) }),
    ...(body.words && { words: repeated(body.words) }),
  }),
  million: (body: Body) => ({
    ...body,
    segments: Array.from({ length: 1_000_000 }, () => ({ start: 0, end: 1, text: 'a' })),
  }),
  longText: (body: Body) => everyText(body, (text) => text + ' la'.repeat(1_000_000)),
  control: (body: Body) =>
    everyText(body, (text) => `\u0000\u001b[31m${text}\r\n\u0085\u202e\ud800\u200b\ufeff\u2028\u2066`),
  script: (body: Body) =>
    everyText(body, (text) => `${text} <script>alert(1)</script> --> {{7*7}} <b onload="x">&lt;`),
  /** Neither a text nor segments. */
  empty: () => ({}),
  wrongTypes: (body: Body) => ({ ...body, text: 42, segments: 'none', words: { a: 1 }, language: ['en'] }),
  list: () => [1, 2, 3],
  nothing: () => null,
} satisfies Record<string, (body: Body) => unknown>;

export type Lie = keyof typeof LIES;
export const LIE_NAMES = Object.keys(LIES) as Lie[];

/** A good answer made wrong in one way. */
export const lie = (name: Lie): Behaviour => ({
  kind: 'alter',
  change: (body) => LIES[name](body as Body),
});
