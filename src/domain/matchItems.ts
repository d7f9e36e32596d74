/** What two sequences have in common. By hand, because the domain imports no package, and those that there are take as long as they take. */

/** How often what lies between unique items is looked at for unique items of its own. */
const MAX_DEPTH = 8;
/** Edits between two items that are the same; the paths to there take the square of it in memory. */
const MAX_EDITS = 1000;
/** For all searches for the shortest edit together: some hundred milliseconds. */
const MAX_LOOKS = 20_000_000;

/** Parts of both sequences that may hold more that is the same; ends are not included. */
interface Span {
  beforeFrom: number;
  beforeTo: number;
  afterFrom: number;
  afterTo: number;
  depth: number;
}

/**
 * Finds the items that stayed: those at both ends, those that are in both sequences once (a patience diff), and
 * between them the shortest edit (Myers, 1986). Where that is too long, nothing is said to have stayed.
 *
 * @returns for each item of the second sequence its place in the first, ascending, or -1
 */
export function matchItems(before: readonly string[], after: readonly string[]): Int32Array {
  return new Matching(before, after).run();
}

class Matching {
  readonly #before: Int32Array;
  readonly #after: Int32Array;
  readonly #matched: Int32Array;
  /** By item: how often it is in the span that is looked at, and where it was seen last. */
  readonly #seenBefore: Int32Array;
  readonly #seenAfter: Int32Array;
  readonly #placeBefore: Int32Array;
  #looks = 0;

  constructor(before: readonly string[], after: readonly string[]) {
    const numbers = new Map<string, number>();
    const numberOf = (item: string): number => {
      const known = numbers.get(item) ?? numbers.size;
      numbers.set(item, known);
      return known;
    };
    this.#before = Int32Array.from(before, numberOf);
    this.#after = Int32Array.from(after, numberOf);
    this.#matched = new Int32Array(after.length).fill(-1);
    [this.#seenBefore, this.#seenAfter, this.#placeBefore] = [0, 0, 0].map(
      () => new Int32Array(numbers.size),
    ) as [Int32Array, Int32Array, Int32Array];
  }

  run(): Int32Array {
    const open: Span[] = [
      { beforeFrom: 0, beforeTo: this.#before.length, afterFrom: 0, afterTo: this.#after.length, depth: 0 },
    ];
    for (let span = open.pop(); span; span = open.pop()) {
      const rest = this.#matchEnds(span);
      if (rest.beforeFrom === rest.beforeTo || rest.afterFrom === rest.afterTo) continue;
      const anchors = rest.depth < MAX_DEPTH ? longestRise(this.#findUnique(rest)) : [];
      if (anchors.length === 0) this.#matchShortest(rest);
      else for (const between of this.#cutAt(anchors, rest)) open.push(between);
    }
    return this.#matched;
  }

  #matchEnds({ beforeFrom, beforeTo, afterFrom, afterTo, depth }: Span): Span {
    const rest = { beforeFrom, beforeTo, afterFrom, afterTo, depth };
    const hasMore = () => rest.beforeFrom < rest.beforeTo && rest.afterFrom < rest.afterTo;
    while (hasMore() && this.#before[rest.beforeFrom] === this.#after[rest.afterFrom]) {
      this.#matched[rest.afterFrom++] = rest.beforeFrom++;
    }
    while (hasMore() && this.#before[rest.beforeTo - 1] === this.#after[rest.afterTo - 1]) {
      this.#matched[--rest.afterTo] = --rest.beforeTo;
    }
    return rest;
  }

  /** Gives the items that are once in both parts of a span, in the order of the second. */
  #findUnique({ beforeFrom, beforeTo, afterFrom, afterTo }: Span): Pair[] {
    const [before, after] = [
      this.#before.subarray(beforeFrom, beforeTo),
      this.#after.subarray(afterFrom, afterTo),
    ];
    for (const [index, item] of before.entries()) {
      this.#seenBefore[item] = (this.#seenBefore[item] ?? 0) + 1;
      this.#placeBefore[item] = beforeFrom + index;
    }
    for (const item of after) this.#seenAfter[item] = (this.#seenAfter[item] ?? 0) + 1;
    const pairs: Pair[] = [];
    for (const [index, item] of after.entries()) {
      if (this.#seenBefore[item] === 1 && this.#seenAfter[item] === 1) {
        pairs.push({ before: this.#placeBefore[item] ?? 0, after: afterFrom + index });
      }
    }
    for (const item of before) this.#seenBefore[item] = 0;
    for (const item of after) this.#seenAfter[item] = 0;
    return pairs;
  }

  *#cutAt(anchors: readonly Pair[], { beforeFrom, afterFrom, ...span }: Span): Iterable<Span> {
    const depth = span.depth + 1;
    let from = { beforeFrom, afterFrom };
    for (const { before, after } of anchors) {
      this.#matched[after] = before;
      yield { ...from, beforeTo: before, afterTo: after, depth };
      from = { beforeFrom: before + 1, afterFrom: after + 1 };
    }
    yield { ...span, ...from, depth };
  }

  #matchShortest(span: Span): void {
    const [height, width] = [span.beforeTo - span.beforeFrom, span.afterTo - span.afterFrom];
    const most = Math.min(MAX_EDITS, height + width);
    // By diagonal (place in the first less place in the second): how far one comes in the first.
    const reach = new Int32Array(2 * most + 3);
    const centre = most + 1;
    const trace: Int32Array[] = [];
    for (let edits = 0; edits <= most && this.#looks < MAX_LOOKS; edits += 1) {
      trace.push(reach.slice(centre - edits - 1, centre + edits + 2));
      for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
        let x = stepFrom(reach, centre + diagonal, { diagonal, edits });
        let y = x - diagonal;
        const from = x;
        while (
          x < height &&
          y < width &&
          this.#before[span.beforeFrom + x] === this.#after[span.afterFrom + y]
        ) {
          x += 1;
          y += 1;
        }
        this.#looks += x - from + 1;
        reach[centre + diagonal] = x;
        if (x < height || y < width) continue;
        this.#walkBack(trace, span);
        return;
      }
    }
  }

  #walkBack(trace: readonly Int32Array[], span: Span): void {
    let [x, y] = [span.beforeTo - span.beforeFrom, span.afterTo - span.afterFrom];
    for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
      const reach = trace[edits] as Int32Array;
      const diagonal = x - y;
      const start = stepFrom(reach, edits + 1 + diagonal, { diagonal, edits });
      while (x > start) {
        x -= 1;
        y -= 1;
        this.#matched[span.afterFrom + y] = span.beforeFrom + x;
      }
      const isDown = isInsertion(reach, edits + 1 + diagonal, { diagonal, edits });
      if (isDown) y -= 1;
      else x -= 1;
    }
  }
}

interface Pair {
  before: number;
  after: number;
}

interface Step {
  diagonal: number;
  edits: number;
}

const isInsertion = (reach: Int32Array, at: number, { diagonal, edits }: Step): boolean =>
  diagonal === -edits || (diagonal !== edits && (reach[at - 1] ?? 0) < (reach[at + 1] ?? 0));

/** Where one comes to on a diagonal with one edit more. */
function stepFrom(reach: Int32Array, at: number, step: Step): number {
  if (step.edits === 0) return 0;
  return isInsertion(reach, at, step) ? (reach[at + 1] ?? 0) : (reach[at - 1] ?? 0) + 1;
}

/** Gives the most pairs that are in the same order in both sequences; they come in that of the second. */
function longestRise(pairs: readonly Pair[]): Pair[] {
  const ends: number[] = [];
  const previous = new Int32Array(pairs.length);
  for (const [index, { before }] of pairs.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? 0]?.before ?? 0) < before) low = middle + 1;
      else high = middle;
    }
    previous[index] = ends[low - 1] ?? -1;
    ends[low] = index;
  }
  const rise: Pair[] = [];
  for (let index = ends.at(-1) ?? -1; index >= 0; index = previous[index] ?? -1) {
    rise.push(pairs[index] as Pair);
  }
  return rise.reverse();
}
