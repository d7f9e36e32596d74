/**
 * A program to be killed: runs ffmpeg through the runner until the end of time. Its argument marks the
 * command line of ffmpeg, so that the test can find it.
 */
import { createRunner } from '../../src/media/runner.ts';
import { keepingLog, MEDIA_CONFIG, quietWatch } from './mediaAdapter.ts';
import { endlessCall } from './toolCalls.ts';

const runner = createRunner({ config: MEDIA_CONFIG, log: keepingLog().log });
await runner.run(endlessCall(process.argv[2] ?? ''), quietWatch());
