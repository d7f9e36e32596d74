/**
 * Three letters that Intl takes for a zone, and the database does not have: leftovers of ICU and Java
 * (https://github.com/unicode-org/icu/blob/main/icu4c/source/tools/tzcode/icuzones). Many of them mean something else to many: IST, BST.
 */
const NO_IANA_ZONE = /^(AC|AE|AG|AR|AS|BE|BS|CA|CN|CS|CT|EA|EC|IE|IS|JS|MI|NE|NS|PL|PN|PR|PS|SS|VS)T$/i;

/** Says whether a name is a zone of the IANA database; offsets such as `+01:00` are none. */
export function isTimeZone(name: string): boolean {
  if (!/^[a-z]/i.test(name) || NO_IANA_ZONE.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
