import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, truncateSync } from 'node:fs';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../support/stack.ts';
import { makePlace, type Place } from './session.ts';
import { type Fault, type StandInServer, sendProblem, startStandInServer } from './standInServer.ts';

const SIZE = 300_000;

describe('videoflow upload', () => {
  let server: StandInServer;
  let place: Place;

  beforeEach(async () => {
    server = await startStandInServer();
    place = await makePlace({ VIDEOFLOW_URL: server.url, VIDEOFLOW_TOKEN: server.token });
  });

  afterEach(async () => {
    await server.close();
    await place.remove();
  });

  const onlyUpload = () => [...server.uploads.values()].at(-1) ?? assert.fail('there is no upload');
  const patches = () => server.seen.filter(({ method }) => method === 'PATCH');
  const hashOf = async (path: string) =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  const stateFiles = () => {
    const dir = join(place.dir, '.local', 'state', 'videoflow');
    return existsSync(dir) ? readdirSync(dir) : [];
  };

  /** Deals with the next request of a method, whatever its address. */
  const onNext =
    (method: string, deal: (...parts: Parameters<Fault>) => void): Fault =>
    (request, response) => {
      if (request.method !== method) return false;
      deal(request, response);
      return true;
    };

  it('sends every byte and says where they went', async () => {
    const file = await place.writeBytes('a.mp4', SIZE);
    const { code, stdout, stderr } = await place.run(['upload', file]);
    assert.equal(code, 0, stderr);
    const { id, metadata } = onlyUpload();
    assert.equal(server.sha256(id), await hashOf(file));
    assert.deepEqual(metadata, { filename: 'a.mp4' });
    assert.match(stdout, new RegExp(`^uploaded +${file} \\(300 kB in [\\d.]+ s, video video-of-${id}\\)\n$`));
    assert.match(stderr, /^a\.mp4: uploading 300 kB\na\.mp4: uploaded \([\d.]+ s\)\n$/);
    assert.deepEqual(stateFiles(), [], 'a finished upload is not remembered');
  });

  it('tells the server what is known of the video', async () => {
    const file = await place.writeBytes('a.mp4', 10);
    const told =
      '--title=T --description=D --tag=x --tag=y,z --user-id=u --external-id=e --process=thumbnail'.split(
        ' ',
      );
    await place.run(['upload', ...told, file]);
    assert.deepEqual(onlyUpload().metadata, {
      filename: 'a.mp4',
      title: 'T',
      description: 'D',
      tags: '["x","y,z"]',
      user_id: 'u',
      external_id: 'e',
      process: '["thumbnail"]',
    });
  });

  it('writes one line of JSON for each file, and nothing else', async () => {
    const [a, b] = [await place.writeBytes('a.mp4', SIZE), await place.writeBytes('b.mp4', 20)];
    const { code, stdout, stderr, lines } = await place.run([
      'upload',
      '--json',
      a,
      b,
      join(place.dir, 'none.mp4'),
    ]);
    assert.equal(code, 1);
    assert.equal(stderr, '');
    assert.equal(stdout.trim().split('\n').length, 3);
    const byName = new Map(lines.map((line) => [line.file, line]));
    const { id } =
      [...server.uploads.values()].find(({ metadata }) => metadata.filename === 'a.mp4') ?? assert.fail();
    assert.deepEqual(byName.get(a), {
      file: a,
      state: 'uploaded',
      video_id: `video-of-${id}`,
      upload_id: id,
      size_bytes: SIZE,
      resumed_from_bytes: 0,
      sent_bytes: SIZE,
      error: null,
    });
    assert.deepEqual(byName.get(join(place.dir, 'none.mp4')), {
      file: join(place.dir, 'none.mp4'),
      state: 'failed',
      video_id: null,
      upload_id: null,
      size_bytes: null,
      resumed_from_bytes: 0,
      sent_bytes: 0,
      error: { code: 'file_unreadable', message: 'There is no such file' },
    });
  });

  it('sends as many files at the same time as it is told, and the same one once', async () => {
    const files = await Promise.all([1, 2, 3, 4, 5].map((n) => place.writeBytes(`${n}.mp4`, 1000, n)));
    let [running, most] = [0, 0];
    const slowly: Fault = (request, response) => {
      if (request.method === 'POST') {
        running += 1;
        most = Math.max(most, running);
      }
      if (request.method === 'PATCH') response.on('finish', () => (running -= 1));
      return false;
    };
    server.faults.push(slowly);
    const { code } = await place.run(['upload', '--parallel', '2', ...files, ...files]);
    assert.equal(code, 0);
    assert.equal(server.uploads.size, 5);
    assert.equal(most, 2);
  });

  it('waits for the video, and says by the exit code that it failed', async () => {
    const file = await place.writeBytes('a.mp4', 10);
    const processing = { status: 'processing', percent: 40, step: 'probe', error: null };
    server.videoStates = [
      { ...processing, status: 'awaiting_upload' },
      processing,
      { ...processing, status: 'ready' },
    ];
    const ready = await place.run(['upload', '--wait', '--json', file]);
    assert.deepEqual([ready.code, ready.lines[0]?.state], [0, 'ready']);

    const error = { code: 'corrupt_media', message: 'The file is damaged', retryable: false };
    server.videoStates = [processing, { status: 'failed', percent: 50, step: null, error }];
    const failed = await place.run(['upload', '--wait', '--json', file]);
    assert.equal(failed.code, 1);
    assert.deepEqual(failed.lines[0]?.error, { code: 'corrupt_media', message: 'The file is damaged' });
    assert.deepEqual(stateFiles(), []);
  });

  describe('in trouble', () => {
    it('goes on where the connection was cut', async () => {
      const file = await place.writeBytes('a.mp4', 3_000_000);
      const cut: Fault = (request) => {
        if (request.method !== 'PATCH') return false;
        const upload = onlyUpload();
        request.on('error', () => undefined);
        request.once('data', (piece: Buffer) => {
          upload.bytes.push(piece);
          request.destroy();
        });
        return true;
      };
      server.faults.push(cut, cut);
      const { code, lines, stderr } = await place.run(['upload', '--json', file]);
      assert.equal(code, 0, stderr);
      assert.equal(server.uploads.size, 1);
      assert.equal(patches().length, 3);
      assert.equal(server.sha256(onlyUpload().id), await hashOf(file));
      assert.ok(Number(lines[0]?.sent_bytes) < 3 * 3_000_000);
    });

    for (const status of [409, 423, 500, 503, 507]) {
      it(`tries again after ${status}`, async () => {
        const file = await place.writeBytes('a.mp4', SIZE);
        server.faults.push(
          onNext('PATCH', (_request, response) => sendProblem(response, status, 'some_code')),
        );
        const { code, stderr } = await place.run(['upload', file]);
        assert.equal(code, 0);
        assert.match(stderr, /a\.mp4: detail of some_code; trying again in 0\.\d s/);
        assert.equal(server.sha256(onlyUpload().id), await hashOf(file));
      });
    }

    it('tries again after 429, and not before Retry-After is over', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      let [refusedAtMs, againAtMs] = [0, 0];
      server.faults.push(
        onNext('POST', (_request, response) => {
          refusedAtMs = Date.now();
          sendProblem(response, 429, 'rate_limited', { 'retry-after': '2' });
        }),
        // Never deals with it: only looks at the clock.
        ({ method }) => {
          if (method === 'POST') againAtMs = Date.now();
          return false;
        },
      );
      assert.equal((await place.run(['upload', file])).code, 0);
      assert.ok(againAtMs - refusedAtMs >= 1950, `came back after ${againAtMs - refusedAtMs} ms`);
    });

    it('makes one upload when the answer to its creation is lost: the same key is sent again', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      server.faults.push(onNext('POST', (request) => request.destroy()));
      assert.equal((await place.run(['upload', file])).code, 0);
      const keys = server.seen
        .filter(({ method }) => method === 'POST')
        .map(({ headers }) => headers['idempotency-key']);
      assert.equal(keys.length, 2);
      assert.match(String(keys[0]), /^[0-9a-f-]{36}$/);
      assert.equal(keys[0], keys[1]);
    });

    it('begins anew when the server has the upload no more', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      const gone = onNext('PATCH', (_request, response) => {
        server.uploads.clear();
        sendProblem(response, 410, 'upload_expired');
      });
      server.faults.push(gone);
      assert.equal((await place.run(['upload', file])).code, 0);
      assert.equal(server.sha256(onlyUpload().id), await hashOf(file));
      const keys = server.seen
        .filter(({ method }) => method === 'POST')
        .map(({ headers }) => headers['idempotency-key']);
      assert.notEqual(keys[0], keys[1], 'the key of the lost one would bring it back');
    });

    it('gives up a file when nothing comes of it for as long as it was told', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      server.faults.push(
        ...Array.from({ length: 20 }, () => onNext('PATCH', (request) => request.destroy())),
      );
      const { code, lines } = await place.run(['upload', '--json', '--retry-for', '1', file]);
      assert.equal(code, 3);
      assert.equal(lines[0]?.error?.code, 'not_reachable');
      assert.equal(stateFiles().length, 1, 'a later call can go on');
      server.faults.length = 0;
      const again = await place.run(['upload', '--json', file]);
      assert.equal(again.lines[0]?.upload_id, lines[0]?.upload_id);
    });

    it('does not insist on what is refused, and sends the other files', async () => {
      const [a, b] = [await place.writeBytes('a.mp4', 10, 1), await place.writeBytes('b.mp4', 10, 2)];
      server.faults.push(onNext('POST', (_request, response) => sendProblem(response, 413, 'too_large')));
      const { code, lines } = await place.run(['upload', '--json', '--parallel=1', a, b]);
      assert.equal(code, 1);
      assert.deepEqual(lines[0]?.error, { code: 'too_large', message: 'detail of too_large' });
      assert.equal(lines[1]?.state, 'uploaded');
      assert.equal(server.seen.filter(({ method }) => method === 'POST').length, 2);
    });

    it('stops everything when the token is refused on the way', async () => {
      const files = await Promise.all([1, 2, 3].map((n) => place.writeBytes(`${n}.mp4`, 10, n)));
      server.faults.push(onNext('POST', (_request, response) => sendProblem(response, 401, 'unauthorized')));
      const { code, lines } = await place.run(['upload', '--json', '--parallel=1', ...files]);
      assert.equal(code, 3);
      assert.deepEqual(
        lines.map(({ error }) => error?.code),
        Array(3).fill('unauthorized'),
      );
      assert.equal(server.uploads.size, 0);
    });

    it('notices that a file becomes shorter, or is changed, under its hands', async () => {
      const short = await place.writeBytes('a.mp4', 2_000_000);
      server.faults.push(
        onNext('POST', (_request, response) => {
          truncateSync(short, 1000);
          sendProblem(response, 503, 'busy');
        }),
      );
      const shortened = await place.run(['upload', '--json', short]);
      assert.deepEqual(
        [shortened.code, shortened.lines[0]?.error],
        [
          1,
          {
            code: 'file_changed',
            message: 'The file became shorter while it was being uploaded',
          },
        ],
      );

      const long = await place.writeBytes('b.mp4', 1000);
      server.faults.push((request) => {
        if (request.method === 'PATCH') appendFileSync(long, 'more');
        return false;
      });
      const grown = await place.run(['upload', '--json', long]);
      assert.equal(grown.lines[0]?.error?.code, 'file_changed');
      assert.deepEqual(stateFiles(), []);
    });

    it('ends at once when it is asked to, keeps what it knows and says so', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      // Never answers.
      server.faults.push(onNext('PATCH', () => undefined));
      const ending = new AbortController();
      const running = place.run(['upload', '--json', file], { signal: ending.signal });
      await waitFor(() => patches().length === 1, { what: 'the first bytes' });
      ending.abort();
      const { code, lines, stderr } = await running;
      assert.equal(code, 130);
      assert.deepEqual([lines[0]?.state, lines[0]?.upload_id], ['interrupted', onlyUpload().id]);
      assert.match(stderr, /the same command goes on where it was/);
      const again = await place.run(['upload', '--json', file]);
      assert.deepEqual([again.code, server.uploads.size], [0, 1]);
    });
  });

  describe('remembers an upload', () => {
    const interrupt = async (args: string[]) => {
      server.faults.push(onNext('PATCH', () => undefined));
      const ending = new AbortController();
      const before = patches().length;
      const running = place.run(['upload', ...args], { signal: ending.signal });
      await waitFor(() => patches().length > before, { what: 'the first bytes' });
      ending.abort();
      await running;
    };

    it('by user, file, size, time and what is told of it', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      await interrupt([file]);
      await place.run(['upload', '--title', 'other', file]);
      assert.equal(server.uploads.size, 2, 'another title is another upload');
      await utimes(file, 1, 1);
      await place.run(['upload', file]);
      assert.equal(server.uploads.size, 3, 'another file');
      assert.equal(stateFiles().length, 1);
    });

    it('until its video is ready, when it waits for that', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      const waiting = { status: 'processing', percent: 10, step: 'probe', error: null };
      server.videoStates = [waiting];
      const ending = new AbortController();
      const running = place.run(['upload', '--wait', '--json', file], { signal: ending.signal });
      await waitFor(() => server.seen.some(({ path }) => path.endsWith('/status')), { what: 'the waiting' });
      ending.abort();
      assert.deepEqual([(await running).code, stateFiles().length], [130, 1]);
      server.videoStates = [{ ...waiting, status: 'ready' }];
      const again = await place.run(['upload', '--wait', '--json', file]);
      assert.deepEqual([again.code, again.lines[0]?.state, again.lines[0]?.sent_bytes], [0, 'ready', 0]);
      assert.equal(server.uploads.size, 1);
    });

    it('and does not need the folder for that', async () => {
      const file = await place.writeBytes('a.mp4', SIZE);
      await mkdir(join(place.dir, '.local'));
      await writeFile(join(place.dir, '.local', 'state'), 'in the way');
      const { code, stderr } = await place.run(['upload', file]);
      assert.equal(code, 0);
      assert.match(stderr, /^videoflow: uploads cannot be remembered/);
    });
  });

  it('serves a token that may write and not read', async () => {
    const file = await place.writeBytes('a.mp4', 10);
    server.faults.push(
      onNext('GET', (_request, response) => sendProblem(response, 403, 'insufficient_scope')),
    );
    assert.equal((await place.run(['upload', file])).code, 0);
  });

  it('never shows the token', async () => {
    const file = await place.writeBytes('a.mp4', 10);
    const outputs = [
      await place.run(['upload', '--token', 'wrong-token-1', file]),
      await place.run(['upload', '--json', file, join(place.dir, 'none')]),
      await place.run(['upload', '--url', 'http://127.0.0.1:1', '--retry-for', '0', file]),
    ];
    for (const { stdout, stderr } of outputs) {
      assert.ok(!(stdout + stderr).includes(server.token) && !(stdout + stderr).includes('wrong-token-1'));
    }
    assert.deepEqual(
      outputs.map(({ code }) => code),
      [3, 1, 3],
    );
  });
});
