import { mkdirSync, rmdirSync } from 'node:fs';
import { identifyProcess } from '../../src/local/processIdentity.ts';
import { breakLock, readLock, tryTake } from '../../src/local/startLock.ts';
import { writeState } from '../../src/local/stateFiles.ts';

/** Takes a lock again and again and leaves a dead one each time; prints how often, or fails when it was not alone. */
const [file = '', durationMs = '0'] = process.argv.slice(2);
const self = identifyProcess(process.pid);
if (!self) throw new Error('This process cannot be identified');
const own = { ...self, isStopping: false };
const until = Date.now() + Number(durationMs);
let taken = 0;
while (Date.now() < until) {
  if (tryTake(file, own)) {
    taken++;
    // Fails where somebody else holds it as well.
    mkdirSync(`${file}.held`);
    rmdirSync(`${file}.held`);
    const end = taken % 5 === 0 ? 'not a lock' : { ...own, startedAt: `dead ${taken}` };
    writeState(file, end);
  } else {
    const found = readLock(file);
    if (found === 'cut off' || found?.startedAt.startsWith('dead')) breakLock(file, found, own);
  }
}
process.stdout.write(String(taken));
