/**
 * Keeps the last picture in sight while the video is loaded from another address, so that nothing flickers.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 */
export function createStill(video, canvas) {
  let isLeaving = false;
  let hasPicture = false;
  const hide = () => {
    isLeaving = false;
    canvas.hidden = true;
  };
  const giveWay = () => {
    if (!isLeaving || video.seeking || video.readyState < video.HAVE_CURRENT_DATA) return;
    // What is decoded is painted by the frame after the next.
    requestAnimationFrame(() => requestAnimationFrame(hide));
  };
  for (const event of ['loadeddata', 'seeked', 'playing']) video.addEventListener(event, giveWay);

  /** Remembers the picture, as long as there is one: at a seek it is gone before the browser tells of it. */
  const keep = () => {
    if (video.readyState < video.HAVE_CURRENT_DATA || !canvas.hidden) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    hasPicture = true;
  };

  return {
    keep,
    show: () => {
      keep();
      canvas.hidden = !hasPicture;
    },
    /** To the first picture of what is loaded from now on. */
    hideAtNextPicture: () => {
      isLeaving = !canvas.hidden;
    },
    hide,
  };
}
