import assert from 'node:assert/strict';
import { keepsLimit } from '../../src/captions/countLength.ts';
import { createCaptionWriter } from '../../src/captions/index.ts';
import { readReply } from '../../src/captions/reply.ts';
import { createLog } from '../../src/log.ts';
import { captionsAt, NOTHING, UNENDING } from '../support/captionWriting.ts';
import {
  type Behaviour,
  badRequest,
  errorInside,
  forbidden,
  notJson,
  quotaExhausted,
  rateLimited,
  serverError,
  wrongKey,
} from '../support/fakes/behaviours.ts';
import { MISSING_MODEL, startFakeWriter } from '../support/fakes/chat.ts';
import { CHAT_TROUBLE, captioned, failedChoice, saying } from '../support/fakes/chatTrouble.ts';
import type { Fakes } from '../support/fakes/server.ts';

const SECRET_PROMPT = 'a prompt that nobody else may read';
/** What was sent, and the words of the other side. */
const SECRETS = [
  SECRET_PROMPT,
  'openrouter.ai',
  'flagged',
  'Provider returned',
  '<html',
  'Incorrect API key',
];

const DAY_MS = 24 * 3_600_000;
const LONG_AGO = 'Sat, 01 Jan 2000 00:00:00 GMT';
const refusedWith = (code: string): Behaviour => ({
  ...{ kind: 'answer', status: 429, body: { error: { code, message: 'no' } } },
});
const MOVED: Behaviour = {
  kind: 'answer',
  status: 307,
  body: '',
  headers: { location: '/v1/chat/completions' },
};

describe('the writer of captions, whose service', () => {
  let fakes: Fakes;
  let captions: ReturnType<typeof captionsAt>;

  before(async () => {
    fakes = await startFakeWriter();
  });
  after(() => fakes.close());
  beforeEach(() => {
    fakes.reset();
    captions = captionsAt(fakes);
  });

  const write: ReturnType<typeof captionsAt>['write'] = (...request) => captions.write(...request);

  describe('gives an answer of no use', () => {
    const cases: [string, Behaviour][] = [
      ['no choices', CHAT_TROUBLE.no_choices],
      ['no end', CHAT_TROUBLE.unfinished],
      ['no JSON', CHAT_TROUBLE.plain_text],
      ['another field', saying('{"text":"a"}')],
      ['no text', captioned(' \n ')],
      ['no content', saying(null)],
    ];
    for (const [what, behaviour] of cases) {
      it(`(${what}) asks once more and counts both, or gives up for good`, async () => {
        fakes.behave(behaviour);
        const { caption, usage } = await write({ prompt: 'a' });
        assert.deepEqual([caption, fakes.requests.length], ['About: a', 2]);
        const single = (await write({ prompt: 'a' })).usage;
        assert.equal(usage?.promptTokens, 2 * (single?.promptTokens ?? 0));
        fakes.reset();
        fakes.behave(behaviour, behaviour);
        const expected = { code: 'captions_unusable', retryClass: 'blocked' };
        await assert.rejects(write({ prompt: 'a' }), expected);
        assert.equal(fakes.requests.length, 2);
      });
    }

    it('is not begun anew when the second one meets trouble', async () => {
      fakes.behave(CHAT_TROUBLE.plain_text, serverError());
      await assert.rejects(write({ prompt: 'a' }), { code: 'captions_unusable', retryClass: 'blocked' });
      fakes.behave(CHAT_TROUBLE.plain_text, CHAT_TROUBLE.no_credit);
      await assert.rejects(write({ prompt: 'a' }), { code: 'captions_no_credit' });
    });

    it('cuts what is too long in the second one', async () => {
      fakes.behave(CHAT_TROUBLE.plain_text, CHAT_TROUBLE.too_long);
      const { caption } = await write({ prompt: 'a', platform: 'x' });
      assert.ok(keepsLimit(caption, 'x') && caption.length > 200);
      assert.equal(fakes.requests.length, 2);
    });
  });

  describe('is in trouble', () => {
    const cases: [string, Behaviour, string, string, (number | null)?][] = [
      ['rate limit', rateLimited({ 'retry-after': '7' }), 'captions_unavailable', 'remote', 7000],
      ['in milliseconds', rateLimited({ 'retry-after-ms': '1500' }), 'captions_unavailable', 'remote', 1500],
      ['for ever', rateLimited({ 'retry-after-ms': 'Infinity' }), 'captions_unavailable', 'remote', null],
      ['for a year', rateLimited({ 'retry-after': '31536000' }), 'captions_unavailable', 'remote', DAY_MS],
      ['no wait', rateLimited({ 'retry-after': '0' }), 'captions_unavailable', 'remote', null],
      ['no wait at all', rateLimited({ 'retry-after-ms': '' }), 'captions_unavailable', 'remote', null],
      [
        'a wait until long ago',
        rateLimited({ 'retry-after': LONG_AGO }),
        'captions_unavailable',
        'remote',
        null,
      ],
      ['no credit as a rate limit', refusedWith('credits_exhausted'), 'captions_no_credit', 'blocked'],
      ['an account that is off', refusedWith('billing_not_active'), 'captions_no_credit', 'blocked'],
      ['server error', serverError(), 'captions_unavailable', 'remote'],
      ['timeout at the edge', { kind: 'answer', status: 524, body: '' }, 'captions_unavailable', 'remote'],
      ['overload', { kind: 'answer', status: 529, body: {} }, 'captions_unavailable', 'remote'],
      ['request timeout', { kind: 'answer', status: 408, body: {} }, 'captions_unavailable', 'remote'],
      ['cut', { kind: 'cut' }, 'captions_unavailable', 'remote'],
      ['dropped', { kind: 'drop' }, 'captions_unavailable', 'remote'],
      ['HTML', notJson(), 'captions_unavailable', 'remote'],
      ['HTML under its own type', notJson('text/html'), 'captions_unavailable', 'remote'],
      ['error in a good answer', errorInside(), 'captions_unavailable', 'remote'],
      [
        'no credit in a good answer',
        errorInside({ code: 402, message: 'no' }),
        'captions_no_credit',
        'blocked',
      ],
      [
        'rate limit in a good answer',
        errorInside({ code: 429, message: 'x' }),
        'captions_unavailable',
        'remote',
      ],
      ['error in the choice', CHAT_TROUBLE.choice_error, 'captions_unavailable', 'remote'],
      ['no credit in the choice', failedChoice(402), 'captions_no_credit', 'blocked'],
      ['nothing', { kind: 'answer', status: 200, body: 'null' }, 'captions_unavailable', 'remote'],
      ['an endless answer', saying('a'.repeat(3_000_000)), 'captions_unavailable', 'remote'],
      ['wrong key', wrongKey(), 'captions_unauthorized', 'blocked'],
      ['no access', forbidden(), 'captions_unauthorized', 'blocked'],
      ['no credit', CHAT_TROUBLE.no_credit, 'captions_no_credit', 'blocked'],
      ['quota used up', quotaExhausted(), 'captions_no_credit', 'blocked'],
      ['moderation', CHAT_TROUBLE.moderated, 'caption_refused', 'permanent'],
      ['content filter', CHAT_TROUBLE.filtered, 'caption_refused', 'permanent'],
      ['refusal', CHAT_TROUBLE.refusal, 'caption_refused', 'permanent'],
      ['bad request', badRequest(), 'captions_rejected', 'permanent'],
    ];
    for (const [what, behaviour, code, retryClass, retryAfterMs] of cases) {
      it(`${what}: ${code}`, async () => {
        fakes.behave(behaviour);
        const expected = { code, retryClass, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
        await assert.rejects(write({ prompt: SECRET_PROMPT }), (error: Error) => {
          for (const [name, value] of Object.entries(expected))
            assert.equal(
              (error as unknown as Record<string, unknown>)[name],
              value,
              `${name} of ${error.message}`,
            );
          const shown = `${error.stack} ${JSON.stringify(error)} ${(error.cause as Error | undefined)?.stack}`;
          for (const secret of [fakes.apiKey, ...SECRETS]) assert.ok(!shown.includes(secret), secret);
          return true;
        });
        assert.equal(fakes.requests.length, 1, 'nothing is repeated here');
      });
    }

    it('a model that nobody has: captions_rejected', async () => {
      await assert.rejects(write({ prompt: 'a', model: MISSING_MODEL }), { code: 'captions_rejected' });
    });

    it('takes the JSON out of a fence', async () => {
      const json = '{"caption": "A fine day"}';
      for (const fenced of [`\`\`\`json\n${json}\n\`\`\``, ` \`\`\` ${json} \`\`\`\n`, `\n${json} `]) {
        fakes.behave(saying(fenced));
        assert.equal((await write({ prompt: 'a' })).caption, 'A fine day');
      }
    });

    it('is soon done with a fence that does not end, or ends in many ways', () => {
      const spaces = '\n'.repeat(70_000);
      for (const content of [
        `\`\`\`json\n{"caption":${spaces}x`,
        `\`\`\`${spaces}x`,
        `\`\`\`${spaces}x${spaces}\`\`\``,
        '`'.repeat(70_000),
      ]) {
        const startedAt = performance.now();
        const body = { choices: [{ finish_reason: 'stop', message: { content } }] };
        assert.throws(() => readReply(body, null), { code: 'captions_unusable' });
        assert.ok(performance.now() - startedAt < 500);
      }
    });

    it('sends nothing to where it is redirected', async () => {
      fakes.behave(MOVED);
      await assert.rejects(write({ prompt: 'a', transcript: 'b' }), { code: 'captions_rejected' });
      assert.equal(fakes.requests.length, 1);
    });

    for (const kind of ['hang', 'stall'] as const) {
      it(`lets go when it is told to, of a server that answers nothing more (${kind})`, async () => {
        fakes.behave({ kind });
        const leaving = new AbortController();
        const writing = write({ prompt: 'a' }, leaving.signal);
        setTimeout(() => leaving.abort(), 100);
        await assert.rejects(writing, { name: 'AbortError' });
      });
    }

    it('gives up a server that begins an answer and never ends it', async () => {
      const log = createLog({ level: 'silent', program: 'test' });
      const hasty = createCaptionWriter({ config: captions.config, log, answerTimeoutMs: 100 });
      for (const model of [null, MISSING_MODEL]) {
        fakes.behave({ kind: 'stall' });
        const writing = hasty?.write({ ...NOTHING, prompt: 'a', model }, UNENDING);
        await assert.rejects(writing ?? Promise.resolve(), { code: 'captions_unavailable' });
      }
    });

    it('writes nothing of what is sent or answered into the log', async () => {
      fakes.behave(CHAT_TROUBLE.too_long, wrongKey());
      await write({ prompt: SECRET_PROMPT, transcript: 'a secret said aloud', platform: 'x' });
      const logged = captions.lines.join('');
      assert.match(logged, /captions_unauthorized|does not accept its key/);
      for (const secret of [fakes.apiKey, ...SECRETS, 'secret said', 'One more sentence'])
        assert.ok(!logged.includes(secret), secret);
    });
  });
});
