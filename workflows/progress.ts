import {
  CancellationScope,
  CancelledFailure,
  defineSignal,
  isCancellation,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import { SIGNALS } from './contract.ts';

/** What a run shows of itself, and how it hears from operators. */
export interface Progress {
  scope: CancellationScope;
  /**
   * Says whether an error is how the work was taken back. An activity that fails for now at the very moment in which it is
   * cancelled is not tried again: its own failure arrives, and no cancellation.
   */
  isTakenBack(error: unknown): boolean;
  /** Takes back what is at work, as if the engine had been asked to. @throws CancelledFailure always */
  stop(): never;
  hurries(): number;
  /** @param name the part of the work that the words are about */
  show(name: string, words: string): void;
}

/** Takes the operators' signals and keeps the words that the Web UI shows. */
export function followProgress(): Progress {
  const scope = new CancellationScope({ cancellable: true });
  let hurryCount = 0;
  const words = new Map<string, string>();
  setHandler(defineSignal(SIGNALS.cancel), () => scope.cancel());
  setHandler(defineSignal(SIGNALS.retryNow), () => {
    hurryCount += 1;
  });
  return {
    scope,
    isTakenBack: (error) => isCancellation(error) || scope.consideredCancelled,
    stop: () => {
      scope.cancel();
      throw new CancelledFailure('The work was asked to be cancelled');
    },
    hurries: () => hurryCount,
    show: (name, text) => {
      words.set(name, text);
      setCurrentDetails([...words].map(([step, state]) => `- **${step}** ${state}`).join('\n'));
    },
  };
}
