import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { HttpProblem } from './problem.ts';
import type { ProblemCode } from './problemCodes.ts';
import { describeProblem, PROBLEM_TYPE } from './problems.ts';

/** How long a client may take to read why its connection ends. */
const LINGER_MS = 2000;

/** https://nodejs.org/api/http.html#event-clienterror; whatever else its parser says is a malformed request. */
const CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers what is no request, and so never comes to the app, with a problem like any other. */
export function answerMalformedRequests(server: Server, publicUrl: string): void {
  const running = new WeakMap<Socket, ServerResponse>();
  server.prependListener('request', ({ socket }, response) => running.set(socket, response));
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    const response = running.get(socket);
    const isAnswering = response?.headersSent && !response.writableFinished;
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    const problem = new HttpProblem(CODES[error.code ?? ''] ?? 'malformed_request', undefined, {
      cause: error,
    });
    socket.end(writeAnswer(problem, publicUrl));
    // Closing at once would reset the connection, and the answer might never be read.
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}

function writeAnswer(problem: HttpProblem, publicUrl: string): string {
  const described = describeProblem(problem, publicUrl);
  const requestId = uuidv7();
  const body = JSON.stringify({ ...described, request_id: requestId });
  return [
    `HTTP/1.1 ${described.status} ${described.title}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    `X-Request-Id: ${requestId}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
