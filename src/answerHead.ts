import type { ClientRequest, IncomingMessage } from 'node:http';

/** A request ended without an answer that could be read. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** `SWITCHED_PROTOCOLS`: a 101, which nobody had asked for. */
  readonly code: 'SWITCHED_PROTOCOLS' | 'CLOSED';

  constructor(code: NoAnswerError['code']) {
    super('The request ended without an answer');
    this.code = code;
  }
}

/**
 * Waits for the head of the answer to a request of node:http. Once the request is over, or the signal aborted, it waits
 * no longer, whatever the request says: after a 101 that nobody listens for Node closes it with neither an answer nor an
 * error, and destroying it then brings no error any more. What informs only (1xx) is no answer.
 *
 * @throws what the request came to; NoAnswerError; what `signal` was aborted with
 */
export async function awaitAnswerHead(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  // Stays: unheard an error after the head would end the process.
  request.on('error', reject);
  request.once('response', resolve);
  request.once('upgrade', (_head, socket) => {
    // It is not the request's any more.
    socket.on('error', () => undefined).destroy();
    reject(new NoAnswerError('SWITCHED_PROTOCOLS'));
  });
  request.once('close', () => reject(new NoAnswerError('CLOSED')));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
