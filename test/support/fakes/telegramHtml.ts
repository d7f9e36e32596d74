/** Tags of the Bot API's HTML style; what else looks like a tag is refused. */
const TAGS = new Set([
  ...['b', 'strong', 'i', 'em', 'u', 'ins', 's', 'strike', 'del', 'code', 'pre', 'a', 'blockquote'],
  ...['tg-spoiler', 'span', 'tg-emoji'],
]);
/** The only named ones that it knows. */
const NAMED: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' };

export interface ParsedText {
  /** What people read. */
  text: string;
  /** The tags that stood in it, in their order. */
  tags: string[];
}

const TOKEN =
  /&(?<name>[a-z]+);|&#(?<decimal>\d{1,7});|&#x(?<hex>[0-9a-f]{1,6});|<(?<end>\/?)(?<tag>[a-z-]+)(?:\s[^<>]*)?>|(?<stray><)/gi;

/**
 * Reads a text as `parse_mode: "HTML"` has it (https://core.telegram.org/bots/api#html-style).
 *
 * @throws Error with the words of the Bot API's refusal
 */
export function parseTelegramHtml(html: string): ParsedText {
  const open: string[] = [];
  const tags: string[] = [];
  const text = html.replace(TOKEN, (whole, ...rest) => {
    const { name, decimal, hex, end, tag, stray } = rest.at(-1) as Record<string, string | undefined>;
    if (name) return NAMED[name] ?? whole;
    if (decimal ?? hex)
      return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex ?? '', 16));
    if (stray) throw new Error('Unclosed start tag');
    if (!tag || !TAGS.has(tag)) throw new Error(`Unsupported start tag "${tag}"`);
    if (end) close(open, tag);
    else {
      open.push(tag);
      tags.push(tag);
    }
    return '';
  });
  if (open.length > 0) throw new Error(`Can't find end tag corresponding to start tag "${open.at(-1)}"`);
  return { text, tags };
}

function close(open: string[], tag: string): void {
  if (open.pop() !== tag) throw new Error('Unmatched end tag');
}
