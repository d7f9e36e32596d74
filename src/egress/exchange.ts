import {
  type ClientRequestArgs,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { awaitAnswerHead } from '../answerHead.ts';
import { setDeadline } from './deadline.ts';
import type { Destination } from './destination.ts';
import { causeOf, NetworkTroubleError, SourceRefusedError, SourceTroubleError } from './errors.ts';

export interface ExchangeOptions {
  destination: Destination;
  /** All checked; the first that answers is used. */
  addresses: readonly string[];
  headers: Readonly<Record<string, string>>;
  /** What is sent, by POST; without it, it is a GET. */
  body?: Buffer;
  signal: AbortSignal;
  /** How long connecting, and then the head of the answer, may take. */
  headMs: number;
  /** Trusted beside the system's authorities; for tests. */
  ca?: SecureContextOptions['ca'];
}

/** The head of an answer, whose body is still to be read, or destroyed. */
export interface Exchange {
  response: IncomingMessage;
  /** Whether bytes came after what was said to be the last one; known when the body is read. */
  sentTooMuch(): boolean;
}

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;
/** One address that does not answer must not use up the time of the next. */
const NEXT_ADDRESS_MS = 2000;

/** What a broken or foreign certificate is called by OpenSSL and Node. */
const UNTRUSTED =
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|HOSTNAME_MISMATCH)/;

/**
 * Sends one request and gives the head of its answer; the body is read, or destroyed, by the caller.
 *
 * On node:http and node:https themselves, since what decides is where the socket goes. Guards that hang on the
 * lookup of an agent or of `fetch` are never asked about a host that is an address already (tried with undici:
 * an integer, a mapped address and a plain one all went through), and a redirect followed by a library meets no
 * guard at all. Here the addresses were checked before, the lookup only hands them out, whatever name it is
 * asked for, and nobody follows a redirect.
 *
 * @throws SourceTroubleError; SourceRefusedError; NetworkTroubleError; what `signal` was aborted with
 */
export async function sendRequest(options: ExchangeOptions): Promise<Exchange> {
  const { destination, signal } = options;
  signal.throwIfAborted();
  const isSecure = destination.url.protocol === 'https:';
  const late = new AbortController();
  const ends = AbortSignal.any([signal, late.signal]);
  const request = (isSecure ? requestHttps : requestHttp)(toRequest({ ...options, signal: ends }, isSecure));
  let last: unknown;
  const callOff = setDeadline(options.headMs, () => late.abort(new Error('no answer in time')));
  try {
    request.maxHeadersCount = MAX_HEADERS;
    // The reader of the body is told of it as well.
    request.on('error', (error) => {
      last = error;
    });
    const head = awaitAnswerHead(request, ends);
    request.end(options.body);
    const response = await head;
    // What comes after the body is read as the next answer, and is none.
    return { response, sentTooMuch: () => response.complete && codeOf(last).startsWith('HPE_') };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw translate(error, destination.host);
  } finally {
    callOff();
  }
}

function toRequest(options: ExchangeOptions, isSecure: boolean): ClientRequestArgs & Record<string, unknown> {
  const { destination, addresses, headers, signal, ca, body } = options;
  const { url, host, port, isLiteral } = destination;
  const Agent = isSecure ? HttpsAgent : HttpAgent;
  return {
    method: body ? 'POST' : 'GET',
    protocol: url.protocol,
    hostname: host,
    port,
    path: url.pathname + url.search,
    headers: {
      Host: url.host,
      Accept: '*/*',
      // What is compressed may be a thousand times as large as it looks.
      'Accept-Encoding': 'identity',
      'User-Agent': 'videoflow',
      ...headers,
    },
    // One of its own each time: shared ones keep connections, and heed proxies of the environment, which would
    // do the connecting, and the looking up, in our place.
    agent: new Agent({ keepAlive: false }),
    lookup: handOut(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
    signal,
    // Said here so that no variable of the environment says otherwise.
    ...(isSecure
      ? { rejectUnauthorized: true, servername: isLiteral ? '' : host.replace(/\.$/, ''), ca }
      : {}),
  };
}

/** Answers every question with the addresses that were checked. */
function handOut(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_name, { all }, answer) => {
    const [first] = found;
    if (all) answer(null, found);
    else answer(null, first?.address ?? '', first?.family ?? 4);
  };
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException | undefined)?.code ?? '');

/** What is wanting here when no connection can be made: files, ports, memory, or the network as a whole. */
const OURS = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENETDOWN', 'EADDRNOTAVAIL'];

function isOurs(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isOurs);
  // Also said where no IPv6 is spoken at all: then it is who has no other address that cannot be reached.
  const isSixth = isIP(String((error as { address?: string } | null)?.address)) === 6;
  return OURS.includes(codeOf(error)) && !(isSixth && codeOf(error) === 'EADDRNOTAVAIL');
}

/** Tells apart what another try may change; the words name the host at most. */
function translate(error: unknown, host: string): Error {
  const code = codeOf(error);
  const options = { cause: causeOf(error) };
  if (isOurs(error)) return new NetworkTroubleError('No connection could be opened here', options);
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new SourceRefusedError(
      'source_bad_answer',
      `The head of the answer of ${host} is too large`,
      options,
    );
  }
  if (code.startsWith('HPE_') || code === 'SWITCHED_PROTOCOLS') {
    return new SourceRefusedError('source_bad_answer', `${host} does not answer in HTTP`, options);
  }
  if (UNTRUSTED.test(code)) {
    return new SourceRefusedError(
      'source_untrusted',
      `The certificate of ${host} cannot be trusted`,
      options,
    );
  }
  // Closed, filtered or silent: all the same.
  return new SourceTroubleError('source_unreachable', `${host} could not be reached`, options);
}
