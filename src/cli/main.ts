import { homedir } from 'node:os';
import { EXIT } from './exitCodes.ts';
import { readVersion, run } from './run.ts';

/** The terminal and the launcher each pass on the same Ctrl-C: what follows this soon is that one again. */
const SAME_PRESS_MS = 500;

/** Asks the command to end in order at the first request, and ends it at once at the next. */
function onEndRequest(end: () => void): void {
  let firstAt: number | undefined;
  const request = () => {
    firstAt ??= Date.now();
    if (Date.now() - firstAt > SAME_PRESS_MS) process.exit(EXIT.interrupted);
    end();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request);
  // The launcher that started us under another Node was killed.
  process.on('disconnect', end);
  // Waiting for that must not keep us alive.
  process.channel?.unref();
}

// Whoever read our lines may be gone (`| head`): what was begun is still to be finished.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const ending = new AbortController();
onEndRequest(() => ending.abort());

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  homeDir: homedir(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: ending.signal,
  version: readVersion(),
});
