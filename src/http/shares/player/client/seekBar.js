import { speakTime } from './times.js';

/**
 * @typedef {object} SeekBarParts
 * @property {HTMLElement} bar
 * @property {ReturnType<typeof import('./preview.js').createPreview>} preview
 * @property {() => number} durationSec
 * @property {(sec: number) => void} seek
 */

/**
 * Makes the bar that shows the time and takes it: by hovering and dragging here, by keys in `keyboard.js`.
 *
 * @param {SeekBarParts} parts
 */
export function createSeekBar({ bar, preview, durationSec, seek }) {
  let isDragging = false;

  /** @param {PointerEvent} event */
  function placeOf(event) {
    const { left, width } = bar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    return { share, sec: share * durationSec() };
  }

  /** @param {number} sec */
  function paint(sec) {
    const total = durationSec();
    bar.style.setProperty('--played', String(total > 0 ? Math.min(1, sec / total) : 0));
    bar.setAttribute('aria-valuemax', String(Math.floor(total)));
    bar.setAttribute('aria-valuenow', String(Math.floor(Math.min(sec, total))));
    bar.setAttribute('aria-valuetext', `${speakTime(sec)} of ${speakTime(total)}`);
  }

  bar.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    isDragging = true;
    bar.setPointerCapture(event.pointerId);
    const { sec, share } = placeOf(event);
    paint(sec);
    preview.show(sec, share);
  });
  bar.addEventListener('pointermove', (event) => {
    const { sec, share } = placeOf(event);
    if (isDragging) paint(sec);
    preview.show(sec, share);
  });
  bar.addEventListener('pointerup', (event) => {
    if (!isDragging) return;
    isDragging = false;
    seek(placeOf(event).sec);
    // A finger that is lifted hovers nowhere.
    if (event.pointerType !== 'mouse') preview.hide();
  });
  bar.addEventListener('pointercancel', () => {
    isDragging = false;
    preview.hide();
  });
  bar.addEventListener('pointerleave', () => {
    if (!isDragging) preview.hide();
  });

  return {
    /** @param {number} sec @param {number} loadedSec */
    update: (sec, loadedSec) => {
      bar.style.setProperty('--loaded', String(durationSec() > 0 ? loadedSec / durationSec() : 0));
      if (!isDragging) paint(sec);
    },
  };
}
