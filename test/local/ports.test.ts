import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { checkDiskSpace } from '../../src/local/diskSpace.ts';
import { choosePort, claimPort, findFreePort, isPortFree } from '../../src/local/ports.ts';

describe('ports', () => {
  let server: Server;
  let taken: number;
  before(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address && typeof address === 'object');
    taken = address.port;
  });
  after(() => server.close());

  it('tells a taken port from a free one', async () => {
    assert.equal(await isPortFree(taken), false);
    assert.equal(await isPortFree(await findFreePort()), true);
  });

  it('names the port, its use and the variable when one that must be had is taken', async () => {
    const request = { what: 'the API', variable: 'PORT', port: taken, host: '127.0.0.1' };
    await assert.rejects(claimPort(request), (error: Error) => {
      assert.match(error.message, new RegExp(`Port ${taken} on 127.0.0.1, wanted for the API, is taken`));
      assert.match(error.message, /PORT=\d+ npm start/);
      return true;
    });
  });

  it('takes any free port for 0', async () => {
    assert.ok((await claimPort({ what: 'the API', variable: 'PORT', port: 0, host: '127.0.0.1' })) > 0);
  });

  it('keeps an internal port while it is free and goes elsewhere when it is not', async () => {
    const liked = await findFreePort();
    const request = { what: 'Postgres', variable: 'POSTGRES_PORT', pinned: undefined };
    assert.equal(await choosePort({ ...request, liked: [undefined, liked] }), liked);
    assert.equal(await choosePort({ ...request, liked: [taken, liked] }), liked);
    assert.notEqual(await choosePort({ ...request, liked: [taken] }), taken);
  });

  it('refuses a pinned internal port that is taken', async () => {
    const request = { what: 'Postgres', variable: 'POSTGRES_PORT', pinned: taken, liked: [] };
    await assert.rejects(choosePort(request), /POSTGRES_PORT/);
  });
});

describe('disk space', () => {
  it('refuses to start on a nearly full disk, naming the folder', () => {
    assert.throws(() => checkDiskSpace('/data', 150 * 1024 ** 2), /150 MB are free on the disk of \/data/);
    checkDiskSpace('/data', 250 * 1024 ** 2);
  });
});
