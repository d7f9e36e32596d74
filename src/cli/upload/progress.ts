import type { Writable } from 'node:stream';
import { formatSize, formatSpan, printable } from '../text.ts';

/** What is shown of one file while it is on its way. */
export interface FileProgress {
  /** The server has a part of it already. */
  resume(offsetBytes: number): void;
  /** So much of the file is on its way or there. */
  advance(doneBytes: number): void;
  /** Something worth knowing, such as why it does not go on. */
  say(text: string): void;
  /** The bytes are there; the server works on the video. */
  process(percent: number, step: string | null): void;
  /** It is over. */
  end(text: string): void;
}

export interface ProgressView {
  begin(name: string, sizeBytes: number): FileProgress;
  /** Must be called at the end, whatever happened: a terminal may be left without its cursor otherwise. */
  stop(): void;
}

const nothing = (): void => undefined;

/** Shows nothing, for programs. */
export const showNothing = (): ProgressView => ({
  begin: () => ({ resume: nothing, advance: nothing, say: nothing, process: nothing, end: nothing }),
  stop: nothing,
});

const LINE_EVERY_MS = 10_000;

/** Shows a line when something happens, and one now and then while bytes flow: for logs and pipes. */
export function showLines(stream: Writable): ProgressView {
  return {
    begin: (name, sizeBytes) => {
      const tell = (text: string) => stream.write(`${printable(name)}: ${printable(text)}\n`);
      const beganAt = Date.now();
      let lastAt = beganAt;
      let lastSaid = '';
      const tellNew = (text: string) => {
        if (text !== lastSaid) tell(text);
        lastSaid = text;
      };
      tell(`uploading ${formatSize(sizeBytes)}`);
      return {
        resume: (offsetBytes) => tell(`going on at ${formatSize(offsetBytes)} of ${formatSize(sizeBytes)}`),
        advance: (doneBytes) => {
          if (Date.now() - lastAt < LINE_EVERY_MS) return;
          lastAt = Date.now();
          tell(`${percentOf(doneBytes, sizeBytes)} % of ${formatSize(sizeBytes)}`);
        },
        say: tell,
        process: (_percent, step) => tellNew(step ? `processing: ${step}` : 'processing'),
        end: (text) => tell(`${text} (${formatSpan(Date.now() - beganAt)})`),
      };
    },
    stop: nothing,
  };
}

/** Whole percent, 100 only when everything is there. */
export const percentOf = (doneBytes: number, sizeBytes: number): number =>
  sizeBytes === 0 ? 100 : Math.floor((doneBytes / sizeBytes) * 100);
