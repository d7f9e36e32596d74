/**
 * Writes a time as a clock shows it.
 *
 * @param {number} sec
 */
export function formatClock(sec) {
  const whole = Number.isFinite(sec) ? Math.max(0, Math.floor(sec)) : 0;
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

/**
 * Writes a time as one says it.
 *
 * @param {number} sec
 */
export function speakTime(sec) {
  const whole = Math.max(0, Math.floor(sec));
  const parts = /** @type {[number, string][]} */ ([
    [Math.floor(whole / 3600), 'hour'],
    [Math.floor(whole / 60) % 60, 'minute'],
    [whole % 60, 'second'],
  ])
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`);
  return parts.join(' ') || '0 seconds';
}
