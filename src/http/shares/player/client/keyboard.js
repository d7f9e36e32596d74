const STEP_SEC = 5;
const LEAP_SEC = 10;
const VOLUME_STEP = 0.1;

/**
 * @typedef {object} Actions
 * @property {() => void} togglePlay
 * @property {() => void} toggleMute
 * @property {() => void} toggleFullscreen
 * @property {() => void} toggleCaptions
 * @property {(sec: number) => void} seekBy
 * @property {(share: number) => void} seekToShare
 * @property {(step: number) => void} changeVolume
 */

/** @type {Readonly<Record<string, (actions: Actions) => void>>} */
const KEYS = {
  ' ': ({ togglePlay }) => togglePlay(),
  k: ({ togglePlay }) => togglePlay(),
  m: ({ toggleMute }) => toggleMute(),
  f: ({ toggleFullscreen }) => toggleFullscreen(),
  c: ({ toggleCaptions }) => toggleCaptions(),
  j: ({ seekBy }) => seekBy(-LEAP_SEC),
  l: ({ seekBy }) => seekBy(LEAP_SEC),
  ArrowLeft: ({ seekBy }) => seekBy(-STEP_SEC),
  ArrowRight: ({ seekBy }) => seekBy(STEP_SEC),
  ArrowUp: ({ changeVolume }) => changeVolume(VOLUME_STEP),
  ArrowDown: ({ changeVolume }) => changeVolume(-VOLUME_STEP),
  Home: ({ seekToShare }) => seekToShare(0),
  End: ({ seekToShare }) => seekToShare(1),
  ...Object.fromEntries(
    Array.from({ length: 10 }, (_, digit) => [
      String(digit),
      (/** @type {Actions} */ { seekToShare }) => seekToShare(digit / 10),
    ]),
  ),
};

/** What a slider's own keys do there (ARIA authoring practices). @type {typeof KEYS} */
const SLIDER_KEYS = {
  ArrowUp: ({ seekBy }) => seekBy(STEP_SEC),
  ArrowDown: ({ seekBy }) => seekBy(-STEP_SEC),
  PageUp: ({ seekBy }) => seekBy(6 * LEAP_SEC),
  PageDown: ({ seekBy }) => seekBy(-6 * LEAP_SEC),
};

/** Outside of the player these move the page. */
const PAGE_KEYS = ['ArrowUp', 'ArrowDown', 'Home', 'End'];

/** @param {KeyboardEvent} event @param {HTMLElement} player */
function actionOf(event, player) {
  const focused = document.activeElement;
  const isInside = player.contains(focused);
  // On a link somewhere else a key is meant for that.
  if (!isInside && focused !== document.body && focused !== null) return null;
  if (!isInside && PAGE_KEYS.includes(event.key)) return null;
  if (focused instanceof HTMLButtonElement && event.key === ' ') return null;
  if (focused instanceof HTMLInputElement && /^(Arrow|Home|End)/.test(event.key)) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const own = focused?.getAttribute('role') === 'slider' ? SLIDER_KEYS[key] : undefined;
  return own ?? KEYS[key] ?? null;
}

/**
 * Lets the keys work that people know from other players, while nothing outside of this one has the focus.
 *
 * @param {HTMLElement} player
 * @param {Actions} actions
 * @param {() => void} onKey somebody is there
 */
export function listenToKeys(player, actions, onKey) {
  document.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const action = actionOf(event, player);
    onKey();
    if (!action) return;
    event.preventDefault();
    action(actions);
  });
}
