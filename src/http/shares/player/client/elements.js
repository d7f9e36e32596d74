/**
 * Gives an element that the page has for certain.
 *
 * @param {string} id
 */
export const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
