import { createCaptions, createFullscreen, showState, watchPresence } from './controls.js';
import { find } from './elements.js';
import { listenToKeys } from './keyboard.js';
import { createMessages } from './messages.js';
import { createPreview } from './preview.js';
import { createSeekBar } from './seekBar.js';
import { createSession } from './session.js';
import { Source } from './source.js';
import { createStill } from './still.js';

const player = find('player');
const video = /** @type {HTMLVideoElement} */ (find('video'));
const start = find('start');
const { session: sessionPath = '', storyboard, duration, title = '' } = player.dataset;

/** Known from the page, and better from the video. */
const durationSec = () => (Number.isFinite(video.duration) ? video.duration : Number(duration));

const source = new Source({
  video,
  session: createSession(sessionPath),
  still: createStill(video, /** @type {HTMLCanvasElement} */ (find('still'))),
  tell: (trouble) => messages.tell(trouble),
  end: (code) => {
    if (document.fullscreenElement) document.exitFullscreen();
    find('controls').hidden = true;
    start.hidden = true;
    document.querySelector('.download')?.remove();
    messages.end(code);
  },
});
const messages = createMessages(find('message'), () => source.retry());

/** @param {number} sec */
function seek(sec) {
  source.seek(Math.min(Math.max(0, sec), durationSec()));
  paintTime();
}

function togglePlay() {
  if (video.paused) video.play().catch(() => {});
  else video.pause();
}

function toggleMute() {
  video.muted = !video.muted;
  if (!video.muted && video.volume === 0) video.volume = 0.5;
}

/** @param {number} volume 0 to 1 */
function setVolume(volume) {
  video.volume = Math.min(1, Math.max(0, volume));
  video.muted = video.volume === 0;
}

const preview = createPreview(find('preview'), storyboard);
const bar = createSeekBar({ bar: find('seek'), preview, durationSec, seek });
const { paintTime } = showState(player, video, { durationSec, bar });
const presence = watchPresence(player);
const toggleCaptions = createCaptions(video);
const toggleFullscreen = createFullscreen(player, video);
const seekBy = (/** @type {number} */ sec) => seek(video.currentTime + sec);

listenToKeys(
  player,
  {
    togglePlay,
    toggleMute,
    toggleFullscreen,
    toggleCaptions,
    seekBy,
    seekToShare: (share) => seek(share * durationSec()),
    changeVolume: (step) => setVolume((video.muted ? 0 : video.volume) + step),
  },
  presence.wake,
);

find('play').addEventListener('click', togglePlay);
find('mute').addEventListener('click', toggleMute);
find('volume').addEventListener('input', (event) =>
  setVolume(Number(/** @type {HTMLInputElement} */ (event.target).value) / 100),
);
start.addEventListener('click', () => {
  togglePlay();
  find('play').focus({ preventScroll: true });
});

// With a finger the first tap shows the buttons and the next one hides them, since there is no hovering.
let wasIdle = false;
const noteIdle = () => {
  wasIdle = player.dataset.idle === 'true';
};
player.addEventListener('pointerdown', noteIdle, { capture: true });
video.addEventListener('pointerup', (event) => {
  if (event.button !== 0) return;
  if (event.pointerType === 'mouse') togglePlay();
  else if (!wasIdle && !video.paused) presence.sleep();
});
player.addEventListener('pointerenter', preview.load, { once: true });
video.addEventListener('dblclick', toggleFullscreen);

if ('mediaSession' in navigator) {
  const artwork = video.poster ? [{ src: video.poster, type: 'image/jpeg' }] : [];
  navigator.mediaSession.metadata = new MediaMetadata({ title, artwork });
  navigator.mediaSession.setActionHandler('seekbackward', () => seekBy(-10));
  navigator.mediaSession.setActionHandler('seekforward', () => seekBy(10));
}

find('controls').hidden = false;
start.hidden = false;
source.begin();
