import assert from 'node:assert/strict';
import { toSafeText } from '../../src/egress/answerText.ts';

const KEY = 'ab/cd+efGHijk/lmnopqrstuvwxyz0123456789ABCDE=';
const URL_TEXT = 'https://hook.example/services/T0-very-secret?a=b%2Fc&token=very+hidden/value%C3%A9';
const toHex = (character: string) => character.charCodeAt(0).toString(16);

/** How a secret comes back, by who says it. */
const ESCAPED: Record<string, (text: string) => string> = {
  json: JSON.stringify,
  'json with slashes': (text) => JSON.stringify(text).replaceAll('/', '\\/'),
  'json for HTML': (text) => text.replace(/[^\w ]/gu, (found) => `\\u${toHex(found).padStart(4, '0')}`),
  'json in json': (text) => JSON.stringify(JSON.stringify(text).replaceAll('/', '\\/')),
  script: (text) => text.replace(/\W/g, (found) => `\\x${toHex(found)}`),
  address: encodeURIComponent,
  'address in small letters': (text) =>
    encodeURIComponent(text).replace(/%../g, (found) => found.toLowerCase()),
  'address in an address': (text) => encodeURIComponent(encodeURIComponent(text)),
  html: (text) => text.replaceAll('&', '&amp;').replaceAll('/', '&sol;').replaceAll('+', '&plus;'),
  'html in numbers': (text) => text.replace(/\W/g, (found) => `&#${found.charCodeAt(0)};`),
  'html in hex': (text) => text.replace(/\W/g, (found) => `&#x${toHex(found).toUpperCase()};`),
  'json in html': (text) => JSON.stringify(text).replaceAll('/', '\\/').replaceAll('"', '&quot;'),
};

describe('the text of an answer', () => {
  const safe = (text: string, ...secrets: string[]) => toSafeText(Buffer.from(text), secrets);

  it('is what was answered, as long as nothing in it is secret', () => {
    const plain = 'Not \\u0041, 100%25, &amp; a tab\tand\na line; C:\\dir \\/ %zz &#9999999; \\ud83d é 🎬';
    assert.equal(safe(plain, KEY, URL_TEXT), plain);
  });

  for (const [name, toEscaped] of Object.entries(ESCAPED))
    it(`hides what is escaped: ${name}`, () => {
      for (const secret of [KEY, URL_TEXT, `/services/T0-very-secret`, 'very+hidden/value%C3%A9']) {
        const text = safe(`before ${toEscaped(secret)} after`, `whsec_${KEY}`, KEY, URL_TEXT);
        assert.match(text, /^before .{0,6}\[hidden\].{0,6} after$/);
      }
    });

  it('has no half of a secret at its end, however much of it is hidden', () => {
    for (const toEscaped of Object.values(ESCAPED)) {
      const address = `https://hook.example/${'very/long'.repeat(100)}`;
      const text = safe(`${toEscaped(address)} `.repeat(100).slice(0, 64 * 1024), address);
      assert.doesNotMatch(text, /very|long/);
      assert.match(text, /\[hidden\]/);
    }
  });

  it('turns nothing around, and has no lines but its own', () => {
    assert.equal(safe('a\u061cb\u2028c\u2029d\u202ee\u0000f'), 'a b c d e f');
  });
});
