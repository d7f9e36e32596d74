import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** How a connection ends: orderly, by a reset, or not at all, with nothing passing any more. */
export const CUTS = ['fin', 'reset', 'stall'] as const;
export type Cut = (typeof CUTS)[number];

/** What was seen of one PATCH on its way to the server. */
export interface SeenPatch {
  offsetBytes: number;
  /** Of its body, as far as it has come to the proxy; the heads of later requests on the connection included. */
  sentBytes: number;
}

/** Stands between a tus client and an API, sees how far uploads are, and can cut them at an exact byte. */
export interface CutProxy {
  url: string;
  /** Every PATCH so far, the oldest first. */
  patches: readonly SeenPatch[];
  /** Everything that came from clients. */
  bytesIn(): number;
  /** Resolves when a PATCH sends what lies at the position of its upload, or beyond. */
  reached(positionBytes: number): Promise<void>;
  /** Cuts the connection that brings the byte at the position, right before that byte; resolves when it is done. */
  cutAt(positionBytes: number, cut: Cut): Promise<void>;
  close(): Promise<void>;
}

interface Mark {
  positionBytes: number;
  cut: Cut | null;
  done: () => void;
}

const OFFSET = 'Upload-Offset: ';
const END_OF_HEAD = '\r\n\r\n';

/** Opens a proxy for one upload at a time in front of a server, which need not be there yet. */
export async function openCutProxy(target: { port: number }): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  const patches: SeenPatch[] = [];
  let marks: Mark[] = [];
  let bytesIn = 0;

  /** @returns how many bytes of the chunk may pass, and the cut that comes then */
  const look = (chunk: Buffer, connection: { patch?: SeenPatch }): { passBytes: number; cut: Cut | null } => {
    bytesIn += chunk.length;
    let bodyAt = 0;
    const headAt = findOffset(chunk);
    if (headAt) {
      connection.patch = { offsetBytes: headAt.offsetBytes, sentBytes: 0 };
      patches.push(connection.patch);
      bodyAt = headAt.bodyAt;
    }
    const { patch } = connection;
    if (!patch || chunk.length === bodyAt) return { passBytes: chunk.length, cut: null };
    const beforeBytes = patch.offsetBytes + patch.sentBytes;
    patch.sentBytes += chunk.length - bodyAt;
    const hit = marks.filter(({ positionBytes }) => positionBytes < patch.offsetBytes + patch.sentBytes);
    marks = marks.filter((mark) => !hit.includes(mark));
    for (const { done } of hit) done();
    const cutting = hit.find(({ cut }) => cut);
    if (!cutting) return { passBytes: chunk.length, cut: null };
    return { passBytes: bodyAt + Math.max(0, cutting.positionBytes - beforeBytes), cut: cutting.cut };
  };

  const server = createServer((client) => {
    const upstream = connect(target.port, '127.0.0.1');
    const connection: { patch?: SeenPatch } = {};
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    }
    let isStalled = false;
    client.on('data', (chunk) => {
      if (isStalled || !upstream.writable) return;
      const { passBytes, cut } = look(chunk, connection);
      if (passBytes > 0 && !upstream.write(chunk.subarray(0, passBytes)) && !cut) client.pause();
      if (!cut) return;
      isStalled = true;
      if (cut !== 'stall') end(client, upstream, cut);
    });
    upstream.on('drain', () => client.resume());
    upstream.on('data', (chunk) => isStalled || client.write(chunk));
    client.on('close', () => isStalled || upstream.destroy());
    // An answer may come before the end of the body; a reset by us would take it from the client.
    upstream.on('end', () => isStalled || client.end());
    upstream.on('error', () => isStalled || client.destroy());
    upstream.on('close', () => client.resume());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const mark = (positionBytes: number, cut: Cut | null) =>
    new Promise<void>((done) => marks.push({ positionBytes, cut, done }));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    patches,
    bytesIn: () => bytesIn,
    reached: (positionBytes) => mark(positionBytes, null),
    cutAt: mark,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Finds the head of a PATCH; clients send it in one piece. */
function findOffset(chunk: Buffer): { offsetBytes: number; bodyAt: number } | null {
  const at = chunk.indexOf(OFFSET);
  const end = at < 0 ? -1 : chunk.indexOf(END_OF_HEAD, at);
  if (end < 0) return null;
  const offsetBytes = Number.parseInt(chunk.toString('latin1', at + OFFSET.length, at + 40), 10);
  return { offsetBytes, bodyAt: end + END_OF_HEAD.length };
}

function end(client: Socket, upstream: Socket, cut: Exclude<Cut, 'stall'>): void {
  if (cut === 'reset') {
    upstream.resetAndDestroy();
    client.resetAndDestroy();
    return;
  }
  // What was passed on still goes out before the FIN.
  upstream.end();
  client.end();
  client.resume();
  upstream.on('end', () => upstream.destroy());
}
