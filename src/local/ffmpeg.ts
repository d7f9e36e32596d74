import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { canApt, installByApt } from './apt.ts';
import { Refusal } from './refusal.ts';

/** What the search for ffmpeg may do; given by name so that its decisions can be tested. */
export interface FfmpegProbes {
  runs(program: string): boolean;
  /** The absolute path of a program that runs. */
  locate(program: string): string;
  canInstall(): boolean;
  install(): Promise<boolean>;
  say(line: string): void;
}

/** Where the tools are, as the worker is told: it looks in few folders, not on this shell's PATH. */
export interface FfmpegPaths {
  FFMPEG_PATH: string;
  FFPROBE_PATH: string;
}

/**
 * Makes sure that ffmpeg and ffprobe are there, by apt where that is allowed.
 *
 * @throws Refusal saying what to install
 */
export async function ensureFfmpeg(
  programs: { ffmpeg: string; ffprobe: string },
  probes: FfmpegProbes,
): Promise<FfmpegPaths> {
  const findMissing = () => [programs.ffmpeg, programs.ffprobe].filter((program) => !probes.runs(program));
  const locate = () => ({
    FFMPEG_PATH: probes.locate(programs.ffmpeg),
    FFPROBE_PATH: probes.locate(programs.ffprobe),
  });
  if (findMissing().length === 0) return locate();
  if (probes.canInstall()) {
    probes.say('ffmpeg: not there, installing it with apt-get …');
    if ((await probes.install()) && findMissing().length === 0) return locate();
  }
  throw new Refusal(
    `${findMissing().join(' and ')} cannot be run. Install ffmpeg (Debian, Ubuntu: sudo apt-get install ffmpeg; ` +
      'macOS: brew install ffmpeg), or set FFMPEG_PATH and FFPROBE_PATH, then start again.',
  );
}

/** The search for ffmpeg on the real machine. */
export function createFfmpegProbes(say: (line: string) => void): FfmpegProbes {
  return {
    runs: (program) => spawnSync(program, ['-version'], { stdio: 'ignore' }).status === 0,
    locate: (program) => {
      if (program.includes('/')) return resolve(program);
      const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
      return folders.map((folder) => resolve(folder, program)).find((path) => existsSync(path)) ?? program;
    },
    canInstall: canApt,
    install: () => installByApt('ffmpeg'),
    say,
  };
}
