/** The layout of one storyboard: a sheet of equal tiles, filled row by row. */
export interface StoryboardGrid {
  tileWidth: number;
  tileHeight: number;
  columns: number;
  rows: number;
  intervalSec: number;
  count: number;
}

const MAX_TILES = 100;
const MAX_COLUMNS = 10;
const MIN_INTERVAL_SEC = 1;
const TILE_SIDE_PX = 160;

/** The nearest even number, at least 2: JPEG's chroma planes are half as wide and high. */
const even = (value: number): number => Math.max(2, Math.round(value / 2) * 2);

/** Gives the size of a picture of this shape that is no wider than asked and no larger than the source. */
export function fitWidth(source: { width: number; height: number }, widthPx: number) {
  const width = Math.max(2, Math.floor(Math.min(widthPx, source.width) / 2) * 2);
  return { width, height: even((width * source.height) / source.width) };
}

/** Chooses interval and layout: at most 100 tiles, at least a second each, inside 160 x 160 pixels. */
export function planStoryboard(video: {
  width: number;
  height: number;
  durationSec: number;
}): StoryboardGrid {
  // Rounded up to a millisecond, the precision of the index, so that no hundred-and-first cell appears.
  const intervalSec = Math.max(MIN_INTERVAL_SEC, Math.ceil((video.durationSec / MAX_TILES) * 1000) / 1000);
  const count = Math.min(MAX_TILES, Math.max(1, Math.ceil(video.durationSec / intervalSec)));
  const columns = Math.min(MAX_COLUMNS, count);
  const scale = TILE_SIDE_PX / Math.max(video.width, video.height);
  return {
    tileWidth: even(video.width * scale),
    tileHeight: even(video.height * scale),
    columns,
    rows: Math.ceil(count / columns),
    intervalSec,
    count,
  };
}

const timestamp = (sec: number): string => {
  const ms = Math.round(sec * 1000);
  const part = (value: number, digits: number) => String(value).padStart(digits, '0');
  const clock = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60];
  return `${clock.map((value) => part(value, 2)).join(':')}.${part(ms % 1000, 3)}`;
};

/** Gives the WebVTT index of a sheet: its cells cover 0 to the duration without gap or overlap. */
export function storyboardIndex(grid: StoryboardGrid, durationSec: number, imageName: string): string {
  const cues = Array.from({ length: grid.count }, (_, cell) => {
    const end = cell === grid.count - 1 ? durationSec : (cell + 1) * grid.intervalSec;
    const x = (cell % grid.columns) * grid.tileWidth;
    const y = Math.floor(cell / grid.columns) * grid.tileHeight;
    const area = [x, y, grid.tileWidth, grid.tileHeight].join(',');
    return `${timestamp(cell * grid.intervalSec)} --> ${timestamp(end)}\n${imageName}#xywh=${area}\n`;
  });
  return ['WEBVTT\n', ...cues].join('\n');
}
