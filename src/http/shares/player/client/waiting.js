import { createSession } from './session.js';

const PAUSE_MS = 10_000;

const box = document.getElementById('waiting');
const session = createSession(box?.dataset.session ?? '');

/** Looks until there is something to play, or nothing to wait for: the page then says which. */
async function look() {
  try {
    await session.renew();
    location.reload();
  } catch (error) {
    if (/** @type {import('./session.js').SessionError} */ (error).kind === 'ended') location.reload();
    else setTimeout(look, PAUSE_MS);
  }
}
setTimeout(look, PAUSE_MS);
