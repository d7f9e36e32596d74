/**
 * What an upload is measured against: Node's own pipe from the socket to a file, the file and its folder
 * synced before the answer, and nothing else. Prints its port; `node bench/barePipe.ts <folder>`.
 */
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const folder = process.argv[2] ?? '.';

const server = createServer({ requestTimeout: 0 }, async (request, response) => {
  await pipeline(request, createWriteStream(join(folder, 'bare'), { flush: true }));
  const handle = await open(folder);
  await handle.sync();
  await handle.close();
  response.writeHead(202).end();
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
