import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of the worker's log about a tool that ran. */
export interface ToolLine {
  tool: 'ffmpeg' | 'ffprobe';
  argv: string[];
  exitCode: number;
}

const quoted = (argument: string): string => `'${argument.replaceAll("'", String.raw`'\''`)}'`;

const writesPackets = ({ argv }: ToolLine) => argv.at(-1) === 'pipe:1' && argv.includes('nut');
const readsPackets = ({ argv }: ToolLine) => argv.includes('pipe:0');
const isStoryboard = (line: ToolLine) =>
  writesPackets(line) || readsPackets(line) || line.argv.some((argument) => argument.includes('tile='));

/** Whatever the worker wrote into the scratch folder of a job goes into ours. */
const redirected = (argument: string, scratchDir: string, folder: string): string =>
  argument.startsWith(`file:${scratchDir}/`)
    ? `file:${join(folder, argument.split('/').at(-1) ?? '')}`
    : argument;

/** Lines of a shell that run one lane: each command after the other, packets piped into their reader. */
function lane(lines: ToolLine[], command: (line: ToolLine) => string): string {
  const writer = lines.find(writesPackets);
  const reader = lines.find(readsPackets);
  const others = lines.filter((line) => line !== writer && line !== reader);
  const pipe =
    writer && reader ? [`${command(writer)} 3>/dev/null | ${command(reader)} >/dev/null || exit 1`] : [];
  return [...pipe, ...others.map((line) => `${command(line)} >/dev/null || exit 1`)].join('\n');
}

/**
 * Writes what a person would type: the probe, then the thumbnail and the storyboard side by side, the
 * argument lists being the very ones that were logged.
 */
function script(lines: ToolLine[], scratchDir: string, folder: string): string {
  const command = ({ argv }: ToolLine) =>
    argv.map((argument) => quoted(redirected(argument, scratchDir, folder))).join(' ');
  const probes = lines.filter(({ tool }) => tool === 'ffprobe');
  const pictures = lines.filter(({ tool }) => tool === 'ffmpeg');
  const storyboard = pictures.filter(isStoryboard);
  const thumbnail = pictures.filter((line) => !isStoryboard(line));
  return [
    lane(probes, command),
    `(\n${lane(thumbnail, command)}\n) & a=$!`,
    `(\n${lane(storyboard, command)}\n) & b=$!`,
    'wait $a || exit 1',
    'wait $b || exit 1',
  ].join('\n');
}

/**
 * Runs the logged argument lists without videoflow.
 *
 * @returns milliseconds until all are done
 * @throws when one of them fails or leaves no picture
 */
export async function runByHand(lines: ToolLine[], scratchDir: string, folder: string): Promise<number> {
  if (lines.some(({ exitCode }) => exitCode !== 0)) throw new Error('a tool failed on our side');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'run.sh');
  writeFileSync(file, script(lines, scratchDir, folder));
  const startedAt = performance.now();
  const shell = spawn('/bin/sh', [file], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [exitCode] = await once(shell, 'exit');
  const tookMs = performance.now() - startedAt;
  if (exitCode !== 0) throw new Error(`by hand it ended with ${exitCode}`);
  for (const name of ['thumbnail.jpg.part', 'storyboard.jpg.part']) {
    if (statSync(join(folder, name)).size === 0) throw new Error(`by hand it left no ${name}`);
  }
  return tookMs;
}
