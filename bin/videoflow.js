#!/usr/bin/env node
// The first file of the `videoflow` command. It runs on whatever Node the machine has (20 or newer), so it
// uses nothing but Node's own modules and plain JavaScript: it finds Node 24 and runs the command under it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 24;
/** As in src/cli/exitCodes.ts: the installation is at fault. */
const EXIT_BROKEN = 70;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A checkout has the sources; an installed package has what `prepack` made of them, for Node strips no types there. */
const source = join(root, 'src', 'cli', 'main.ts');
const main = existsSync(source) ? source : join(root, 'dist', 'cli', 'main.js');

/** @param {string} version as in `process.versions.node` */
const isNewEnough = (version) => Number(version.split('.')[0]) >= NEEDED_MAJOR;

/** Gives the Node that the npm package `node` brings, or undefined when it is not installed. */
function findInstalledNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    return ['node', 'node.exe'].map((name) => join(folder, 'bin', name)).find((file) => existsSync(file));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} reason
 * @returns {never}
 */
function refuse(reason) {
  process.stderr.write(
    `videoflow: Node ${NEEDED_MAJOR} is needed, this is ${process.version}, and ${reason}. ` +
      `Install Node ${NEEDED_MAJOR} or newer and try again.\n`,
  );
  process.exit(EXIT_BROKEN);
}

/** @param {string} node */
function handOver(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    // The fourth channel closes when this process dies by any death: the command then ends in order.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => refuse(`the npm package "node" cannot be run (${error.message})`));
  child.on('exit', (code, signal) => {
    process.exit(signal ? 128 + constants.signals[signal] : (code ?? EXIT_BROKEN));
  });
}

if (isNewEnough(process.versions.node)) {
  await import(pathToFileURL(main).href);
} else {
  const node = findInstalledNode();
  if (node) handOver(node);
  else refuse('the npm package "node" that brings it is not installed (are install scripts switched off?)');
}
