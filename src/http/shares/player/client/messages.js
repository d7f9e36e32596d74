const TROUBLES = {
  lost: 'The connection is lost. Trying again…',
  waiting: 'This video is still being prepared. Trying again…',
  unplayable: 'This video cannot be played here right now.',
};

/** By the code of the refusal. @type {Readonly<Record<string, string>>} */
const ENDINGS = {
  share_expired: 'This link has expired. Ask the person who sent it to you for a new one.',
  share_revoked: 'This link has been taken back by the person who shared the video.',
  share_used_up:
    'This link has been used as often as it may be. Ask the person who sent it to you for a new one.',
  not_ready: 'This video could not be prepared to be played.',
};
const ENDED = 'This video is no longer shared by this link.';

/**
 * Makes what the player says in place of a picture.
 *
 * @param {HTMLElement} box
 * @param {() => void} retry
 */
export function createMessages(box, retry) {
  const text = /** @type {HTMLElement} */ (box.querySelector('p'));
  const button = /** @type {HTMLButtonElement} */ (box.querySelector('button'));
  button.addEventListener('click', retry);
  /** @param {string} words @param {boolean} canRetry */
  const show = (words, canRetry) => {
    text.textContent = words;
    button.hidden = !canRetry;
    box.hidden = false;
  };
  return {
    /** @param {keyof typeof TROUBLES | null} trouble */
    tell: (trouble) => {
      if (trouble === null) box.hidden = true;
      else show(TROUBLES[trouble], trouble === 'unplayable');
    },
    /** @param {string} code */
    end: (code) => show(ENDINGS[code] ?? ENDED, false),
  };
}
