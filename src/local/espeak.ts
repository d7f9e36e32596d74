import { spawnSync } from 'node:child_process';
import { canApt, installByApt } from './apt.ts';

/** What the search for espeak-ng may do; given by name so that its decisions can be tested. */
export interface EspeakProbes {
  runs(): boolean;
  canInstall(): boolean;
  install(): Promise<boolean>;
  say(line: string): void;
}

/**
 * Sees to the speaking program that tests of speech make their sound with. Nothing else needs it, so a run goes on
 * without it and says what is missing.
 */
export async function ensureEspeak({ runs, canInstall, install, say }: EspeakProbes): Promise<void> {
  if (runs()) return;
  if (canInstall()) {
    say('espeak-ng: not there, installing it with apt-get …');
    if ((await install()) && runs()) return;
  }
  say(
    'espeak-ng cannot be run, so tests of speech are skipped. Install it (Debian, Ubuntu: sudo apt-get install ' +
      'espeak-ng; macOS: brew install espeak-ng), then start again.',
  );
}

/** The search for espeak-ng on the real machine. */
export const createEspeakProbes = (say: (line: string) => void): EspeakProbes => ({
  runs: () => spawnSync('espeak-ng', ['--version'], { stdio: 'ignore' }).status === 0,
  canInstall: canApt,
  install: () => installByApt('espeak-ng'),
  say,
});
