/** How the packets of pieces become one unbroken train. */
export interface Train {
  /** Ticks of one packet. */
  packetTicks: number;
  /** Where pieces end and the next ones begin, in ticks. */
  joinTicks: readonly number[];
}

const halfOf = (packetTicks: number): number => Math.floor(packetTicks / 2);

/**
 * Makes one unbroken train of the packets of pieces. Each piece has some sound before its beginning and after its
 * end, as codecs need; left alone, joins would pile these up, and players that only count samples would come later
 * and later. A packet is dropped when most of it lies where another one is already, or behind the end of its piece;
 * the next one follows directly unless more than half a packet is missing. So sound is never further than half a
 * packet from its picture (12 ms), after any number of joins.
 *
 * @returns the filters of packets that do so in ffmpeg
 */
export function trainFilters({ packetTicks, joinTicks }: Train): string {
  const half = halfOf(packetTicks);
  const isAcrossAnEnd = joinTicks.map((end) => String.raw`between(pts\,${end - half + 1}\,${end - 1})`);
  const isTooMuch = [String.raw`lt(pts\,ld(0)-${half})`, ...isAcrossAnEnd].join('+');
  // Variable 0 holds where the next packet belongs.
  const place = (at: string) => String.raw`0*st(0\,${at}+${packetTicks})`;
  const next = String.raw`if(gt(pts\,ld(0)+${half})\,pts\,ld(0))`;
  const drop = String.raw`if(n\,if(${isTooMuch}\,1\,${place(next)})\,${place('pts')})`;
  const follow = `PREV_OUTPTS+${packetTicks}`;
  const times = String.raw`if(N\,if(gt(TS\,${follow}+${half})\,TS\,${follow})\,TS)`;
  return `noise=drop='${drop}',setts=ts='${times}'`;
}

/**
 * Does the same in numbers: how many ticks stay empty before each piece and within it.
 *
 * @param pieces when the packets of each piece begin, in ticks of the whole
 */
export function findHoles({ packetTicks, joinTicks }: Train, pieces: readonly Float64Array[]): number[] {
  const half = halfOf(packetTicks);
  let next: number | null = null;
  return pieces.map((times, piece) => {
    let empty = 0;
    const end = joinTicks[piece] ?? Number.POSITIVE_INFINITY;
    const begin = joinTicks[piece - 1] ?? Number.NEGATIVE_INFINITY;
    for (const time of times) {
      const isAcrossAnEnd = [begin, end].some((each) => time > each - half && time < each);
      if (next !== null && (time < next - half || isAcrossAnEnd)) continue;
      const isLate: boolean = next !== null && time > next + half;
      empty += isLate ? time - (next ?? 0) : 0;
      next = (next === null || isLate ? time : next) + packetTicks;
    }
    return empty;
  });
}
