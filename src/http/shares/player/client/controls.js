import { find } from './elements.js';
import { formatClock } from './times.js';

const IDLE_MS = 2500;

/**
 * @param {HTMLElement} button
 * @param {boolean} isOn
 * @param {[on: string, off: string]} names
 */
function turn(button, isOn, [on, off]) {
  button.dataset.on = String(isOn);
  button.setAttribute('aria-label', isOn ? on : off);
}

/** The end of what is loaded around the place that is shown. @param {HTMLVideoElement} video */
function loadedSec({ buffered, currentTime }) {
  for (let at = 0; at < buffered.length; at += 1)
    if (buffered.start(at) <= currentTime + 0.1 && currentTime <= buffered.end(at)) return buffered.end(at);
  return 0;
}

/**
 * Lets the buttons show how the video stands.
 *
 * @param {HTMLElement} player
 * @param {HTMLVideoElement} video
 * @param {{ durationSec: () => number, bar: ReturnType<typeof import('./seekBar.js').createSeekBar> }} parts
 */
export function showState(player, video, { durationSec, bar }) {
  const play = find('play');
  const mute = find('mute');
  const now = find('now');
  const total = find('total');
  const volume = /** @type {HTMLInputElement} */ (find('volume'));

  const paintPlaying = () => {
    player.dataset.playing = String(!video.paused);
    turn(play, !video.paused, ['Pause', 'Play']);
  };
  const paintTime = () => {
    now.textContent = formatClock(video.currentTime);
    total.textContent = formatClock(durationSec());
    bar.update(video.currentTime, loadedSec(video));
  };
  const paintVolume = () => {
    const isSilent = video.muted || video.volume === 0;
    turn(mute, isSilent, ['Unmute', 'Mute']);
    volume.value = String(isSilent ? 0 : Math.round(video.volume * 100));
  };
  const paintWaiting = () => {
    player.dataset.waiting = String(
      !video.paused && video.readyState < video.HAVE_FUTURE_DATA && !video.ended,
    );
  };

  for (const event of ['play', 'pause', 'playing', 'ended', 'emptied'])
    video.addEventListener(event, paintPlaying);
  for (const event of ['timeupdate', 'seeking', 'seeked', 'durationchange', 'progress'])
    video.addEventListener(event, paintTime);
  for (const event of ['waiting', 'playing', 'canplay', 'pause', 'play', 'seeked', 'emptied', 'ended'])
    video.addEventListener(event, paintWaiting);
  video.addEventListener('volumechange', paintVolume);
  video.addEventListener('playing', () => {
    player.dataset.begun = 'true';
  });
  for (const paint of [paintPlaying, paintTime, paintVolume, paintWaiting]) paint();
  return { paintTime };
}

/**
 * Hides the buttons of a playing video while nobody moves.
 *
 * @param {HTMLElement} player
 */
export function watchPresence(player) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const sleep = () => {
    // Whoever walks through the buttons with the keyboard must see where they are.
    if (player.querySelector('.controls :focus-visible, .controls :active')) return wake();
    player.dataset.idle = 'true';
  };
  function wake() {
    player.dataset.idle = 'false';
    clearTimeout(timer);
    timer = setTimeout(sleep, IDLE_MS);
  }
  for (const event of ['pointermove', 'pointerdown', 'focusin']) player.addEventListener(event, wake);
  player.addEventListener('pointerleave', (event) => {
    if (event.pointerType === 'mouse') sleep();
  });
  return { wake, sleep };
}

/**
 * Switches the captions on and off, where there are any.
 *
 * @param {HTMLVideoElement} video
 */
export function createCaptions(video) {
  const button = document.getElementById('captions');
  const toggle = () => {
    const [track] = video.textTracks;
    if (!track || !button) return;
    track.mode = track.mode === 'showing' ? 'disabled' : 'showing';
    button.setAttribute('aria-pressed', String(track.mode === 'showing'));
  };
  button?.addEventListener('click', toggle);
  return toggle;
}

/**
 * Fills the screen with the player; where only a video may (iPhone), with that.
 *
 * @param {HTMLElement} player
 * @param {HTMLVideoElement & { webkitEnterFullscreen?: () => void }} video
 */
export function createFullscreen(player, video) {
  const button = find('fullscreen');
  if (!document.fullscreenEnabled && !video.webkitEnterFullscreen) button.hidden = true;
  const toggle = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (player.requestFullscreen) player.requestFullscreen().catch(() => {});
    else video.webkitEnterFullscreen?.();
  };
  button.addEventListener('click', toggle);
  document.addEventListener('fullscreenchange', () =>
    turn(button, document.fullscreenElement !== null, ['Leave full screen', 'Full screen']),
  );
  return toggle;
}
