/** Receivers of webhooks, in a process of their own: those below `/hang` take everything and never answer. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const TIMESTAMP = /"timestamp":"([^"]+)"/;

let latenciesMs: number[] = [];
let seen = new Set<string>();
let repetitions = 0;

const server = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  if (request.url?.startsWith('/hang')) return;
  const body = Buffer.concat(parts).toString();
  const at = Date.parse(TIMESTAMP.exec(body)?.[1] ?? '');
  const key = `${request.url} ${request.headers['webhook-id']}`;
  if (seen.has(key)) repetitions += 1;
  else latenciesMs.push(Date.now() - at);
  seen.add(key);
  response.writeHead(204).end();
});

process.on('message', (message) => {
  if (message === 'count') process.send?.({ count: seen.size });
  if (message !== 'report') return;
  process.send?.({ latenciesMs, repetitions });
  latenciesMs = [];
  seen = new Set();
  repetitions = 0;
});
process.on('disconnect', () => process.exit());

server.listen(0, '127.0.0.1', 4096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
