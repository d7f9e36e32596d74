import type { IncomingMessage } from 'node:http';
import { toSafeText } from './answerText.ts';
import { orAborted, setDeadline } from './deadline.ts';
import { parseDestination } from './destination.ts';
import { AddressNotAllowedError, SendError, SourceRefusedError, SourceTroubleError } from './errors.ts';
import { sendRequest } from './exchange.ts';
import type { WayOut } from './follow.ts';
import { resolveChecked } from './resolver.ts';

export interface SendRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** For everything: looking up, connecting, sending, and the answer to its last byte. */
  timeoutMs: number;
  /** What the text of the answer must not hold, should the other side send it back. */
  secrets?: readonly string[];
  signal: AbortSignal;
}

/** What the other side answered; redirects are answers too, and nobody follows them. */
export interface SentAnswer {
  status: number;
  durationMs: number;
  /** As it was sent. */
  retryAfter: string | null;
  /** The first kilobyte of the body. */
  text: string;
}

/** No more of a body is read than this, which is looked at for secrets. */
const MAX_READ_BYTES = 64 * 1024;

/**
 * Sends one POST, once, to where its address leads now: the address is checked as that of a download is.
 *
 * @throws SendError; what `signal` was aborted with
 */
export async function send(request: SendRequest, { policy, resolve, ca }: WayOut): Promise<SentAnswer> {
  const { url, headers, body, timeoutMs } = request;
  const startedAt = performance.now();
  const late = new AbortController();
  const callOff = setDeadline(timeoutMs, () => late.abort());
  const signal = AbortSignal.any([request.signal, late.signal]);
  let response: IncomingMessage | undefined;
  const post = async () => {
    const destination = parseDestination(url, policy);
    const addresses = await resolveChecked(destination, { resolve, policy, signal });
    signal.throwIfAborted();
    const options = { destination, addresses, headers, body, signal, headMs: timeoutMs, ca };
    ({ response } = await sendRequest(options));
    return { head: response, kept: await readStart(response) };
  };
  try {
    const { head, kept } = await orAborted(post(), signal);
    signal.throwIfAborted();
    return {
      status: head.statusCode ?? 0,
      durationMs: Math.round(performance.now() - startedAt),
      retryAfter: head.headers['retry-after'] ?? null,
      text: isPlain(head) ? toSafeText(kept, [url, ...(request.secrets ?? [])]) : '',
    };
  } catch (error) {
    request.signal.throwIfAborted();
    throw toSendError(error, { isLate: late.signal.aborted, hasAnswered: response !== undefined });
  } finally {
    callOff();
    response?.destroy();
  }
}

/** The first bytes of a body; what breaks off has said enough with its status. */
async function readStart(response: IncomingMessage): Promise<Buffer> {
  const kept: Buffer[] = [];
  let readBytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      kept.push(chunk);
      readBytes += chunk.length;
      if (readBytes >= MAX_READ_BYTES) break;
    }
  } catch {
    // Whoever ran out of time sees it by the signal.
  }
  return Buffer.concat(kept);
}

const isPlain = ({ headers }: IncomingMessage): boolean =>
  (headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity';

function toSendError(error: unknown, { isLate, hasAnswered }: { isLate: boolean; hasAnswered: boolean }) {
  if (error instanceof AddressNotAllowedError)
    return new SendError('refused', 'Nothing is sent to this address', { cause: error });
  if (isLate && hasAnswered) return new SendError('timeout', 'The answer did not end in time');
  const isKnown = error instanceof SourceRefusedError || error instanceof SourceTroubleError;
  if (!isLate && !isKnown) return error;
  const code = isKnown && error.code === 'source_untrusted' ? 'untrusted' : 'unreachable';
  return new SendError(code, 'Nothing could be delivered', isKnown ? { cause: error } : {});
}
