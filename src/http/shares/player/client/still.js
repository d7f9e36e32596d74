/**
 * Keeps the last picture in sight while the video is loaded from another address, so that nothing flickers.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 */
export function createStill(video, canvas) {
  const hide = () => {
    canvas.hidden = true;
  };
  return {
    show: () => {
      if (video.readyState < video.HAVE_CURRENT_DATA || !canvas.hidden) return;
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext('2d')?.drawImage(video, 0, 0);
      canvas.hidden = false;
    },
    /** Gives way to the first picture of what was loaded now. */
    hideAtNextPicture: () => {
      if (typeof video.requestVideoFrameCallback === 'function') video.requestVideoFrameCallback(hide);
      /** @type {EventTarget} */ else video.addEventListener('loadeddata', hide, { once: true });
    },
    hide,
  };
}
