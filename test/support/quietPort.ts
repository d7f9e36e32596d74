import { randomInt } from 'node:crypto';
import { isPortFree } from '../../src/local/ports.ts';

/**
 * Gives a port for a program that is started in a moment, or again after its death, and that must find it free then.
 * Below those that systems hand out by themselves (32768 and up on Linux, 49152 and up elsewhere), for the other
 * lane of the tests asks for such ports all the time.
 */
export async function findQuietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isPortFree(port)) return port;
  }
}
