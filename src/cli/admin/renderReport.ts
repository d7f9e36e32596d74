import { printable } from '../text.ts';

/** Gives any report of the server as indented lines for people: `expired uploads: 3`. */
export function renderReport(report: unknown): string {
  return `${linesOf(report, '').join('\n')}\n`;
}

function linesOf(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => listItem(item, indent));
  if (typeof value !== 'object' || value === null) return [indent + show(value)];
  return Object.entries(value).flatMap(([key, part]) => {
    const name = `${indent}${key.replaceAll('_', ' ')}:`;
    if (isEmpty(part)) return [`${name} none`];
    if (typeof part === 'object' && part !== null) return [name, ...linesOf(part, `${indent}  `)];
    return [`${name} ${show(part)}`];
  });
}

function listItem(item: unknown, indent: string): string[] {
  if (typeof item !== 'object' || item === null) return [`${indent}- ${show(item)}`];
  const [first = '', ...rest] = linesOf(item, `${indent}  `);
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const show = (value: unknown): string => (value === null ? '–' : printable(String(value)));
