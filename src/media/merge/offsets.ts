import type { Piece } from './pieces.ts';
import type { Train } from './soundTrain.ts';

/** Where each piece begins in the result, in seconds, and where the last one ends. */
export function offsetsOf(pieces: readonly Piece[]): number[] {
  const offsets = [0];
  for (const { lengthSec } of pieces) offsets.push((offsets.at(-1) ?? 0) + lengthSec);
  return offsets;
}

/** Gives how the packets of one track follow each other. */
export function trainOf(pieces: readonly Piece[], track: number): Train {
  const { packetTicks = 0, timescale = 1 } = pieces[0]?.sounds[track] ?? {};
  const joins = offsetsOf(pieces).slice(1, -1);
  return { packetTicks, joinTicks: joins.map((offset) => Math.round(offset * timescale)) };
}
