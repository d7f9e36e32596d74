/**
 * One picture of the sheet and the time it stands for.
 *
 * @typedef {{ startSec: number, endSec: number, picture: string, x: number, y: number, width: number, height: number }} Cell
 */

const TIMES = /^(?:(\d+):)?(\d\d):(\d\d\.\d{3}) --> (?:(\d+):)?(\d\d):(\d\d\.\d{3})/;
const PLACE = /^(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/;

/** @param {string | undefined} hours @param {string | undefined} minutes @param {string | undefined} seconds */
const toSec = (hours, minutes, seconds) => Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds);

/**
 * Reads a WebVTT index of seek previews.
 *
 * @param {string} text
 * @returns {Cell[]} in the order of the file
 */
export function parseStoryboard(text) {
  const cells = [];
  for (const block of text.replaceAll('\r', '').split(/\n{2,}/)) {
    const lines = block.split('\n');
    const at = lines.findIndex((line) => TIMES.test(line));
    const times = TIMES.exec(lines[at] ?? '');
    const place = PLACE.exec(lines[at + 1] ?? '');
    if (!times || !place) continue;
    const [x = 0, y = 0, width = 0, height = 0] = place.slice(2).map(Number);
    cells.push({
      startSec: toSec(times[1], times[2], times[3]),
      endSec: toSec(times[4], times[5], times[6]),
      picture: place[1] ?? '',
      ...{ x, y, width, height },
    });
  }
  return cells;
}

/**
 * Gives the cell for a time: the last one that has begun.
 *
 * @param {Cell[]} cells
 * @param {number} sec
 */
export const cellAt = (cells, sec) => cells.findLast(({ startSec }) => startSec <= sec) ?? cells[0] ?? null;
