import { cellAt, parseStoryboard } from './storyboard.js';
import { formatClock } from './times.js';

/**
 * Makes the small picture above the seek bar. The sheet is loaded when it is first wanted.
 *
 * @param {HTMLElement} box
 * @param {string | undefined} indexPath without one it shows times only
 */
export function createPreview(box, indexPath) {
  const cellBox = /** @type {HTMLElement} */ (box.querySelector('.cell'));
  const time = /** @type {HTMLElement} */ (box.querySelector('.cell-time'));
  /** @type {import('./storyboard.js').Cell[]} */
  let cells = [];
  let isWanted = false;
  cellBox.hidden = true;

  async function load() {
    if (isWanted || indexPath === undefined) return;
    isWanted = true;
    try {
      const answer = await fetch(indexPath);
      if (!answer.ok) return;
      const index = new URL(indexPath, location.href);
      cells = parseStoryboard(await answer.text()).map((cell) => {
        const { pathname, search } = new URL(cell.picture, index);
        return { ...cell, picture: pathname + search };
      });
      // All of them are on one sheet, which is shown when it is whole.
      const sheet = new Image();
      sheet.src = cells[0]?.picture ?? '';
      await sheet.decode();
      cellBox.hidden = false;
      paint();
    } catch {
      // A preview is an extra; the next page view tries again.
    }
  }

  /** @type {{ sec: number, share: number } | null} */
  let place = null;

  function paint() {
    if (place === null) return;
    const { sec, share } = place;
    time.textContent = formatClock(sec);
    const cell = cellAt(cells, sec);
    if (cell) {
      cellBox.style.width = `${cell.width}px`;
      cellBox.style.height = `${cell.height}px`;
      cellBox.style.backgroundImage = `url("${CSS.escape(cell.picture)}")`;
      cellBox.style.backgroundPosition = `-${cell.x}px -${cell.y}px`;
    }
    box.hidden = false;
    // Inside the bar, however near its ends.
    const bar = box.parentElement?.clientWidth ?? 0;
    const half = box.offsetWidth / 2;
    box.style.left = `${Math.min(Math.max(share * bar, half), Math.max(bar - half, half))}px`;
  }

  return {
    load,
    /**
     * Shows it above a place of the bar.
     *
     * @param {number} sec
     * @param {number} share where on the bar, 0 to 1
     */
    show: (sec, share) => {
      place = { sec, share };
      load();
      paint();
    },
    hide: () => {
      place = null;
      box.hidden = true;
    },
  };
}
