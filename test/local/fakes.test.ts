import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../support/fakes/main.ts', import.meta.url));

describe('npm run fakes', () => {
  it('tells what to set, answers, misbehaves when asked to, tells each request and ends when told to', async () => {
    const child = spawn(process.execPath, [program, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const lineWith = async (words: RegExp): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next();
        assert.ok(!done, `it ended without ${words}`);
        if (words.test(value)) return value;
      }
    };
    try {
      const baseUrl = (await lineWith(/^OPENAI_BASE_URL=/)).split('=')[1] ?? '';
      const key = (await lineWith(/^OPENAI_API_KEY=/)).split('=')[1] ?? '';
      assert.match(key, /fake/);
      await publish(lineWith);
      const ask = () =>
        fetch(`${baseUrl}/audio/transcriptions`, {
          ...{ method: 'POST', body: new FormData(), headers: { authorization: `Bearer ${key}` } },
        });
      assert.equal((await ask()).status, 400);
      await lineWith(/^400 · POST · \/v1\/audio\/transcriptions/);
      const wish = (names: string[], service = 'transcriptions') =>
        fetch(new URL(`/fakes/behave/${service}`, baseUrl), {
          ...{ method: 'POST', body: JSON.stringify(names) },
          headers: { 'content-type': 'application/json' },
        });
      assert.equal((await wish(['nonsense'])).status, 400);
      assert.equal((await wish(['cut'], 'nobody')).status, 400);
      assert.equal((await wish(['rate_limited', 'drop'])).status, 200);
      assert.deepEqual(await (await wish(['hang'], 'completions')).json(), { next: ['hang'] });
      const { status, headers } = await ask();
      assert.deepEqual([status, headers.get('retry-after')], [429, '5']);
      assert.deepEqual(await (await wish(['cut'])).json(), { next: ['drop', 'cut'] });
      const emptied = (await (await wish([])).json()) as { next: string[]; choose_from: string[] };
      assert.deepEqual([emptied.next, emptied.choose_from.includes('rate_limited')], [[], true]);
      assert.equal((await ask()).status, 400);
      await receive(new URL(baseUrl).origin, lineWith);
      child.kill('SIGINT');
      const [code] = await once(child, 'exit');
      assert.equal(code, 0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  /** The credentials that are shown are good there, and misbehaviour is asked for by the name of the service. */
  async function publish(lineWith: (words: RegExp) => Promise<string>): Promise<void> {
    const uploadPost = (await lineWith(/^UPLOAD_POST_BASE_URL=/)).split('=')[1] ?? '';
    const flic = (await lineWith(/^FLIC_BASE_URL=/)).split('=')[1] ?? '';
    const [own, token] = [await lineWith(/api_key/), await lineWith(/flic_token/)].map(
      (line) => JSON.parse(line).credentials,
    );
    const profile = (apiKey: string) =>
      fetch(`${uploadPost}/uploadposts/users/half`, { headers: { authorization: `Apikey ${apiKey}` } });
    const address = (flicToken: string) =>
      fetch(`${flic}/posts/generate-upload-url`, { headers: { 'flic-token': flicToken } });
    assert.deepEqual(
      [(await profile(own.api_key)).status, (await address(token.flic_token)).status],
      [200, 200],
    );
    assert.deepEqual([(await profile('x')).status, (await address('x')).status], [401, 401]);
    for (const service of ['upload-post', 'flic'])
      await fetch(`${flic}/fakes/behave/${service}`, {
        ...{ method: 'POST', body: '["slow_down"]', headers: { 'content-type': 'application/json' } },
      });
    assert.deepEqual(
      [(await profile(own.api_key)).status, (await address(token.flic_token)).status],
      [503, 503],
    );
  }

  /** Webhooks go to any address below `/hooks`, and are shown. */
  async function receive(origin: string, lineWith: (words: RegExp) => Promise<string>): Promise<void> {
    const deliver = () =>
      fetch(`${origin}/hooks/mine?x=1`, {
        ...{ method: 'POST', body: '{"type":"video.ready"}', headers: { 'webhook-id': 'one' } },
      });
    const wish = await fetch(`${origin}/fakes/behave/hooks/mine`, {
      ...{ method: 'POST', body: '["gone"]' },
    });
    assert.deepEqual(await wish.json(), { path: '/hooks/mine', next: ['gone'] });
    assert.deepEqual([(await deliver()).status, (await deliver()).status], [410, 204]);
    await lineWith(/^204 · POST · \/hooks\/mine\?x=1 · video\.ready · one · 22 B/);
    const shown = (await (await fetch(`${origin}/fakes/hooks`)).json()) as Record<string, unknown>[];
    assert.deepEqual(
      shown.map(({ path, status, body }) => [path, status, body]),
      [204, 410].map((status) => ['/hooks/mine?x=1', status, '{"type":"video.ready"}']),
    );
  }
});
