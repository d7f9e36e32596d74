/**
 * Three letters that Intl takes for a zone, and the database does not have: leftovers of ICU and Java
 * (https://github.com/unicode-org/icu/blob/main/icu4c/source/tools/tzcode/icuzones). Many of them mean something else to many: IST, BST.
 */
const NO_IANA_ZONE = /^(AC|AE|AG|AR|AS|BE|BS|CA|CN|CS|CT|EA|EC|IE|IS|JS|MI|NE|NS|PL|PN|PR|PS|SS|VS)T$/i;

/** More than there are zones; a name may be written in many ways, with small letters or great ones. */
const MAX_KEPT = 1000;

/** To make one takes twenty times as long as to use it, and lists show many times. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError when there is no such zone */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const kept = formats.get(timeZone);
  if (kept) return kept;
  const format = new Intl.DateTimeFormat('en', {
    ...{ timeZone, calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  });
  if (formats.size >= MAX_KEPT) formats.clear();
  formats.set(timeZone, format);
  return format;
}

/**
 * Gives what the clocks of a zone show at an instant, as `2027-03-28T09:00`; null where the zone is not known here (any
 * more).
 */
export function toLocalTime(at: Date, timeZone: string): string | null {
  try {
    const shown = formatOf(timeZone).formatToParts(at);
    const parts = new Map(shown.map(({ type, value }) => [type, value]));
    return `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}T${parts.get('hour')}:${parts.get('minute')}`;
  } catch {
    return null;
  }
}

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
