import { createServer } from 'node:net';
import { Refusal } from './refusal.ts';

/** Tells whether a port can be listened on at that address. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Asks the system for a port that is free at that address now. */
export function findFreePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host }, () => {
      const address = server.address();
      const port = address && typeof address === 'object' ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Claims a port that the user chose, or that users expect at its place.
 *
 * @throws Refusal naming the port and the variable that moves it
 */
export async function claimPort(request: {
  what: string;
  variable: string;
  port: number;
  host: string;
}): Promise<number> {
  const { what, variable, port, host } = request;
  if (port === 0) return findFreePort(host);
  if (await isPortFree(port, host)) return port;
  throw new Refusal(
    `Port ${port} on ${host}, wanted for ${what}, is taken by another program. ` +
      `End that program or choose another port: ${variable}=${port + 1} npm start`,
  );
}

/**
 * Chooses the port of an internal part: the pinned one or nothing; else the first free of those it had or would
 * like, else any.
 *
 * @throws Refusal when a pinned port is taken
 */
export async function choosePort(request: {
  what: string;
  variable: string;
  pinned: number | undefined;
  liked: (number | undefined)[];
  host?: string;
}): Promise<number> {
  const { what, variable, pinned, liked, host = '127.0.0.1' } = request;
  if (pinned !== undefined) return claimPort({ what, variable, port: pinned, host });
  for (const port of liked) {
    if (port !== undefined && (await isPortFree(port, host))) return port;
  }
  return findFreePort(host);
}
