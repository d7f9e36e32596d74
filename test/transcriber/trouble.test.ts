import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { RemoteTroubleError, type RetryClass, VideoflowError } from '../../src/errors.ts';
import {
  type Behaviour,
  badRequest,
  errorInside,
  forbidden,
  notJson,
  quotaExhausted,
  rateLimited,
  serverError,
  slowDown,
  wrongKey,
} from '../support/fakes/behaviours.ts';
import { startFakeTranscriber } from '../support/fakes/openai.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { makeTones } from '../support/tones.ts';
import { requestFor, transcriberAt } from '../support/transcribing.ts';

const never = new AbortController().signal;
const plain = (status: number, headers?: Record<string, string>): Behaviour => ({
  ...{ kind: 'answer', status, body: '<h1>Bad gateway</h1>' },
  headers: { 'content-type': 'text/html', ...headers },
});
const inADay = () => new Date(Date.now() + 30_000).toUTCString();

interface Expected {
  code: string;
  retryClass: RetryClass;
  /** Null: it asked for nothing. A pair: between these. */
  retryAfterMs?: number | null | [number, number] | undefined;
}

const limited = (retryAfterMs: Expected['retryAfterMs']): Expected => ({
  ...{ code: 'transcriber_rate_limited', retryClass: 'outside', retryAfterMs },
});
const away = (retryAfterMs: Expected['retryAfterMs'] = null): Expected => ({
  ...{ code: 'transcriber_unavailable', retryClass: 'remote', retryAfterMs },
});
const exhausted: Expected = { code: 'transcriber_quota_exhausted', retryClass: 'blocked' };
const unauthorized: Expected = { code: 'transcriber_unauthorized', retryClass: 'blocked' };
const rejected: Expected = { code: 'transcriber_rejected', retryClass: 'permanent' };

const CASES: [string, () => Behaviour, Expected][] = [
  ['a rate limit with seconds', () => rateLimited({ 'retry-after': '7' }), limited(7000)],
  ['a rate limit with milliseconds', () => rateLimited({ 'retry-after-ms': '350' }), limited(350)],
  [
    'a rate limit with both',
    () => rateLimited({ 'retry-after-ms': '350', 'retry-after': '7' }),
    limited(350),
  ],
  ['a rate limit with a date', () => rateLimited({ 'retry-after': inADay() }), limited([27_000, 30_000])],
  ['a rate limit with nothing', () => rateLimited({}), limited(null)],
  ['a rate limit for ever', () => rateLimited({ 'retry-after': '1e12' }), limited(24 * 3_600_000)],
  ['a rate limit with nonsense', () => rateLimited({ 'retry-after': 'soon' }), limited(null)],
  ['a rate limit in HTML', () => plain(429, { 'retry-after': '3' }), limited(3000)],
  ['an exhausted quota', quotaExhausted, exhausted],
  ['a payment that is required', () => plain(402), exhausted],
  ['a wrong key', () => wrongKey('sk-fake-key-for-tests'), unauthorized],
  ['a model that the key may not use', forbidden, unauthorized],
  ['a bad request', badRequest, rejected],
  ['a page that is not there', () => plain(404), rejected],
  ['a redirect', () => plain(307, { location: 'http://127.0.0.1:1/' }), rejected],
  ['a body that is too large', () => plain(413), rejected],
  ['a time that ran out over there', () => plain(408), away()],
  ['a server error', serverError, away()],
  ['a gateway without words', () => plain(502), away()],
  ['an overload', () => slowDown({ 'retry-after': '2' }), limited(2000)],
  ['an unavailable gateway that names a time', () => plain(503, { 'retry-after': '2' }), away(2000)],
  ['an error inside a 200', () => errorInside(), away()],
  ['a refusal inside a 200', () => errorInside({ message: 'no', code: 400 }), rejected],
  ['a rate limit inside a 200', () => errorInside({ message: 'no', code: 429 }), limited(null)],
  ['a quota inside a 200', () => errorInside({ message: 'no', code: 'insufficient_quota' }), exhausted],
  ['an error of another form inside a 200', () => errorInside(['boom']), away()],
  ['HTML that says it is JSON', () => notJson(), away()],
  ['HTML', () => notJson('text/html'), away()],
  ['nothing at all', () => ({ kind: 'answer', status: 200, body: '' }), away()],
  ['no content', () => ({ kind: 'answer', status: 204, body: '' }), away()],
  ['JSON with NaN', () => ({ kind: 'answer', status: 200, body: '{"text":"a","duration":NaN}' }), away()],
  ['a connection that is cut in the middle', () => ({ kind: 'cut' }), away()],
  ['a connection that is cut before', () => ({ kind: 'drop' }), away()],
  ['another protocol, and an end', () => ({ kind: 'upgrading', isKept: false }), away()],
  ['another protocol that stays', () => ({ kind: 'upgrading', isKept: true }), away()],
];

describe('the transcriber in trouble', () => {
  let fakes: Fakes;
  let sound: Uint8Array;

  before(async () => {
    fakes = await startFakeTranscriber();
    sound = await makeTones([{ fromSec: 0.5, toSec: 1.5, hz: 440 }], 2);
  });
  after(() => fakes.close());
  beforeEach(() => fakes.reset());

  const request = () => requestFor(sound, { durationSec: 2 });

  async function failureOf(work: Promise<unknown>): Promise<VideoflowError> {
    const error = await work.then(
      () => assert.fail('it did not fail'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof VideoflowError, String(error));
    return error;
  }

  const assertSilent = (text: string): void =>
    assert.doesNotMatch(text, /sk-|fake|127\.0\.0\.1|http|w0|hz|gateway|Visit|org-|Sorry|<h/i);

  for (const [what, behaviour, expected] of CASES) {
    it(`calls ${what} ${expected.code}, asks once and says nothing that it heard`, async () => {
      fakes.behave(behaviour());
      const { transcriber, lines } = transcriberAt(fakes);
      const error = await failureOf(transcriber.transcribe(request(), never));
      assert.equal(error.code, expected.code);
      assert.equal(error.retryClass, expected.retryClass);
      assert.equal(fakes.requests.length, 1);
      if (error instanceof RemoteTroubleError) {
        const { retryAfterMs = null } = expected;
        if (Array.isArray(retryAfterMs)) {
          const [least, most] = retryAfterMs;
          assert.ok((error.retryAfterMs ?? 0) >= least && (error.retryAfterMs ?? 0) <= most);
        } else assert.equal(error.retryAfterMs, retryAfterMs);
      }
      assertSilent(`${error.message} ${inspect({ ...error }, { depth: 9 })} ${error.cause}`);
      assertSilent(lines.join(''));
    });
  }

  it('is refused by the real rules when it asks in a wrong way', async () => {
    const { transcriber } = transcriberAt({ ...fakes, apiKey: 'another' });
    assert.equal(
      (await failureOf(transcriber.transcribe(request(), never))).code,
      'transcriber_unauthorized',
    );
    const broken = { ...request(), bytes: Buffer.from('no sound') };
    const error = await failureOf(transcriberAt(fakes).transcriber.transcribe(broken, never));
    assert.equal(error.code, 'transcriber_rejected');
    assert.match(error.message, /400.*invalid_value.*file/);
  });

  it('calls a server that is not there unavailable', async () => {
    const { transcriber } = transcriberAt({ baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'a' });
    const error = await failureOf(transcriber.transcribe(request(), never));
    assert.equal(error.code, 'transcriber_unavailable');
    assertSilent(error.message);
  });

  for (const kind of ['hang', 'stall'] as const) {
    it(`gives a server up that does not come to an end (${kind})`, async () => {
      fakes.behave({ kind });
      const startedAt = Date.now();
      const { transcriber } = transcriberAt(fakes, 600);
      const error = await failureOf(transcriber.transcribe(request(), never));
      assert.equal(error.code, 'transcriber_unavailable');
      assert.match(error.message, /in time/);
      assert.ok(Date.now() - startedAt < 3000);
      await ended(0);
      assert.equal(fakes.requests.length, 1);
    });

    it(`ends its request at once when it is cancelled (${kind})`, async () => {
      fakes.behave({ kind });
      const cancellation = new AbortController();
      const { transcriber } = transcriberAt(fakes);
      const work = transcriber.transcribe(request(), cancellation.signal);
      const settled = assert.rejects(work, (error) => error === cancellation.signal.reason);
      await until(
        () => fakes.requests.length === 1 && (kind === 'hang' || fakes.requests[0]?.status === 200),
      );
      const cancelledAt = Date.now();
      cancellation.abort(new DOMException('Enough', 'AbortError'));
      await settled;
      await ended(0);
      assert.ok((fakes.requests[0]?.endedAt ?? Infinity) - cancelledAt < 1000);
      assert.ok(fakes.requests[0]?.isAbandoned);
    });
  }

  it('sends nothing when it is cancelled before', async () => {
    const { transcriber } = transcriberAt(fakes);
    await assert.rejects(transcriber.transcribe(request(), AbortSignal.abort()), { name: 'AbortError' });
    await delay(50);
    assert.equal(fakes.requests.length, 0);
  });

  it('waits for a slow server', async () => {
    fakes.behave({ kind: 'slow', ms: 300 });
    const { segments } = await transcriberAt(fakes).transcriber.transcribe(request(), never);
    assert.equal(segments.length, 1);
  });

  const ended = (index: number) => until(() => fakes.requests[index]?.endedAt !== null);

  async function until(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + 5000;
    while (!holds()) {
      assert.ok(Date.now() < deadline, 'it did not come to that');
      await delay(10);
    }
  }
});
