import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { hearLateErrors, type LateErrors } from './lateErrors.ts';

type Listener = (runnable: Mocha.Runnable & { err?: unknown }, error?: unknown) => void;

/** The parts that we build on of the reporter by which mocha's workers tell the main process what happened. */
interface Buffering {
  listeners: Map<string, Listener>;
  createListener(eventName: string): Listener;
  done(failures: number, callback: (result: unknown) => void): void;
}

const ParallelBuffered: new (runner: Mocha.Runner, options?: Mocha.MochaOptions) => Buffering = createRequire(
  import.meta.url,
)('mocha/lib/nodejs/reporters/parallel-buffered.cjs');

/** What the epilogue of the `spec` reporter shows of an error. */
const SHOWN = ['name', 'code', 'actual', 'expected', 'operator', 'showDiff', 'generatedMessage'] as const;

/**
 * Gives an error as it gets through to the main process: of the original, the cause would be lost, and a value that
 * is no JSON would end the worker.
 */
function makePortable(error: unknown): unknown {
  if (!(error instanceof Error)) return new Error(inspect(error));
  const { message, stack, cause } = error;
  const shown = Object.fromEntries(
    SHOWN.map((name) => [name, (error as unknown as Record<string, unknown>)[name]]).filter(([, value]) =>
      ['string', 'number', 'boolean'].includes(typeof value),
    ),
  );
  const portable = Object.assign(new Error(message), shown, { stack });
  return cause === undefined ? portable : Object.assign(portable, { cause: makePortable(cause) });
}

/** How long what the tests of a file left to happen may take to go wrong, before the next file is taken up. */
const AFTERMATH_MS = 100;

/**
 * Runs in each of mocha's workers, and has every failure arrive as it would have been shown there. What is thrown
 * while no test runs would end the worker: then nobody hears of it, or the main process loses all that it counted.
 */
export default class LaneReporter extends ParallelBuffered {
  #late: LateErrors;

  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    this.#late = hearLateErrors((runner.suite.suites[0] ?? runner.suite.tests[0])?.file);
    runner.once('end', () => this.#late.begin());
  }

  override done(failures: number, callback: (result: unknown) => void): void {
    setTimeout(() => {
      super.done(failures, callback);
      // Mocha's worker has just removed every listener.
      this.#late.begin();
    }, AFTERMATH_MS);
  }

  override createListener(eventName: string): Listener {
    const note = super.createListener(eventName);
    const listener: Listener = (runnable, error) => {
      if (error === undefined) return note(runnable);
      const portable = makePortable(error);
      if (runnable.err === error) runnable.err = portable;
      note(runnable, portable);
    };
    this.listeners.set(eventName, listener);
    return listener;
  }
}
