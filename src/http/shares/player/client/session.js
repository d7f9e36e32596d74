/** Before its end an address is as good as over: a request may be on its way for so long. */
const MARGIN_MS = 30_000;

/** Why there is no address to be had. */
export class SessionError extends Error {
  /**
   * @param {'ended' | 'waiting' | 'unreachable'} kind `ended`: never again; `waiting`: not yet; `unreachable`: not now
   * @param {string} code of the API's refusal
   */
  constructor(kind, code) {
    super(code);
    this.kind = kind;
    this.code = code;
  }
}

/** @param {number} status @returns {'ended' | 'waiting' | 'unreachable'} */
function kindOf(status) {
  if (status === 404 || status === 410) return 'ended';
  return status === 409 ? 'waiting' : 'unreachable';
}

/** @param {Response} answer */
async function refusalOf(answer) {
  const problem = await answer.json().catch(() => null);
  // A video that nothing more becomes of is refused like one that is not ready yet, but for this.
  const kind = problem?.retryable === false && answer.status === 409 ? 'ended' : kindOf(answer.status);
  return new SessionError(kind, String(problem?.code ?? answer.status));
}

/**
 * What stands between here and the server may answer in its place, or break off in the middle.
 *
 * @param {Response} answer
 * @returns {Promise<{ session: string, url: string, expiresMs: number }>}
 * @throws {SessionError}
 */
async function readAddress(answer) {
  const body = await answer.json().catch(() => null);
  const { session, url, expires_at: expiresAt } = body ?? {};
  const expiresMs = Date.parse(expiresAt);
  if (typeof session !== 'string' || !URL.canParse(url, location.href) || Number.isNaN(expiresMs))
    throw new SessionError('unreachable', 'unreadable');
  return { session, url, expiresMs };
}

/** The same place, on the host that this page came from, since the page may load from no other. @param {string} url */
function onThisHost(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

/**
 * An address of the video's bytes, and when it is time for another one.
 *
 * @typedef {{ url: string, staleAt: number }} Address
 */

/** @param {Address | null} address */
export const isStale = (address) => address === null || Date.now() >= address.staleAt;

/**
 * Makes what asks for addresses of the video's bytes. All of them belong to one session, and so to one view.
 *
 * @param {string} path
 */
export function createSession(path) {
  /** @type {string | null} */
  let id = null;
  /** @type {Address | null} */
  let latest = null;
  /** @type {Promise<Address> | null} */
  let asking = null;

  async function ask() {
    const query = id === null ? '' : `?session=${encodeURIComponent(id)}`;
    const answer = await fetch(path + query, { cache: 'no-store' }).catch(() => {
      throw new SessionError('unreachable', 'offline');
    });
    if (!answer.ok) throw await refusalOf(answer);
    const { session, url, expiresMs } = await readAddress(answer);
    id = session;
    // The server's clock counts: the one here may be hours off, but it goes on while the machine sleeps.
    const sentAt = Date.parse(answer.headers.get('Date') ?? '') || Date.now();
    const lifeMs = expiresMs - sentAt;
    latest = { url: onThisHost(url), staleAt: Date.now() + lifeMs - Math.min(MARGIN_MS, lifeMs / 4) };
    return latest;
  }

  /** Asks for a new address; those who ask at the same time get the same one. @throws {SessionError} */
  function renew() {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  }

  return {
    renew,
    /** Gives an address that is still good for a while. @throws {SessionError} */
    address: async () => (latest !== null && !isStale(latest) ? latest : renew()),
  };
}
