const PAUSE_MS = 10_000;

/** Looks until there is something to play, or nothing to wait for: the page then says which. */
async function look() {
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    const isWaiting = answer.ok && (await answer.text()).includes(' id="waiting"');
    // A server that is in trouble is asked again.
    if (!isWaiting && answer.status < 429) location.reload();
  } catch {
    // The connection may come back.
  }
  setTimeout(look, PAUSE_MS);
}
setTimeout(look, PAUSE_MS);
