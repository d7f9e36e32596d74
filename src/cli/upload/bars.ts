import type { Writable } from 'node:stream';
import { MultiBar } from 'cli-progress';
import { formatSize, printable } from '../text.ts';
import { type ProgressView, percentOf } from './progress.ts';

const NAME_WIDTH = 28;
const BAR_WIDTH = 24;

/** Shows a bar for each file that is on its way, for people at a terminal. */
export function showBars(stream: Writable): ProgressView {
  const bars = new MultiBar({
    stream,
    format: '{name} {bar} {percent} {text}',
    barsize: BAR_WIDTH,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    // Signals are the command's own affair; it calls `stop`.
    gracefulExit: false,
    linewrap: true,
    // Bars move up when one above them ends, and stand still otherwise.
    forceRedraw: true,
    fps: 8,
  });
  const begin: ProgressView['begin'] = (name, sizeBytes) => {
    const shown = shorten(printable(name));
    const bar = bars.create(sizeBytes, 0, { name: shown, percent: '  0 %', text: '' });
    let begin = { atMs: Date.now(), bytes: 0 };
    const show = (doneBytes: number, text: string) =>
      bar.update(doneBytes, {
        name: shown,
        percent: `${percentOf(doneBytes, sizeBytes)} %`.padStart(5),
        text: printable(text),
      });
    return {
      resume: (offsetBytes) => {
        begin = { atMs: Date.now(), bytes: offsetBytes };
        show(offsetBytes, 'going on');
      },
      advance: (doneBytes) => show(doneBytes, describeFlow(doneBytes, sizeBytes, begin)),
      say: (text) => bar.update({ text: printable(text) }),
      process: (percent, step) => show(sizeBytes, `processing ${percent} %${step ? ` (${step})` : ''}`),
      end: (text) => {
        // A line that scrolls away: more bars than the terminal has lines would write over each other.
        bars.log(`${printable(name)}: ${printable(text)}\n`);
        bars.remove(bar);
      },
    };
  };
  return { begin, stop: () => bars.stop() };
}

function describeFlow(doneBytes: number, sizeBytes: number, begin: { atMs: number; bytes: number }): string {
  const elapsedSec = Math.max((Date.now() - begin.atMs) / 1000, 0.1);
  const rate = Math.max(0, doneBytes - begin.bytes) / elapsedSec;
  return `${formatSize(doneBytes)} of ${formatSize(sizeBytes)}, ${formatSize(rate)}/s`;
}

/** The end of a name tells more than its beginning. */
const shorten = (name: string): string =>
  (name.length > NAME_WIDTH ? `…${name.slice(1 - NAME_WIDTH)}` : name).padEnd(NAME_WIDTH);
