import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { awaitAnswerHead } from '../../src/answerHead.ts';
import { orAborted } from '../../src/egress/deadline.ts';
import type { SendError } from '../../src/egress/errors.ts';
import { createEgress } from '../../src/egress/index.ts';
import { fetchSource } from '../support/fetching.ts';
import { type Source, startRawSource } from '../support/sources.ts';

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
const LIMIT_MS = 400;
const allow = ['127.0.0.1/32'];

/** Says head after head, as fast as it is taken. */
function flood(socket: Socket): void {
  const hints = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(200));
  const pour = () => {
    while (!socket.destroyed && socket.write(hints));
  };
  socket.on('drain', pour);
  pour();
}

/** What is no answer, what a fetch calls it, and whether it is known at once. */
const CASES: [string, (socket: Socket) => unknown, code: string, isAtOnce: boolean][] = [
  ['another protocol, and the end', (socket) => socket.end(SWITCHED), 'source_bad_answer', true],
  ['another protocol that stays', (socket) => socket.write(SWITCHED), 'source_bad_answer', true],
  ['another protocol and its bytes', (socket) => socket.write(`${SWITCHED}hello`), 'source_bad_answer', true],
  ['another protocol, and a reset', resetAfterSwitch, 'source_bad_answer', true],
  ['an end without a word', (socket) => socket.end(), 'source_unreachable', true],
  ['an end in the head', (socket) => socket.end('HTTP/1.1 200 OK\r\nA: '), 'source_unreachable', true],
  ['a hint, and the end', (socket) => socket.end('HTTP/1.1 103 A\r\n\r\n'), 'source_unreachable', true],
  ['hints without end', flood, 'source_unreachable', false],
];

function resetAfterSwitch(socket: Socket): void {
  socket.write(SWITCHED, () => socket.resetAndDestroy());
}

describe('egress: what is no answer', () => {
  let open: Source[] = [];
  afterEach(async () => {
    await Promise.all(open.map((source) => source.close()));
    open = [];
  });

  async function startAt(answer: (socket: Socket) => unknown) {
    const closed: Promise<unknown>[] = [];
    const source = await startRawSource((socket) => {
      closed.push(new Promise((resolve) => socket.once('close', resolve)));
      answer(socket);
    });
    open.push(source);
    return { url: `${source.url}/`, closed };
  }

  async function post(url: string, signal = new AbortController().signal): Promise<unknown> {
    const { send } = createEgress({ config: { EGRESS_ALLOW_CIDRS: allow } });
    const body = Buffer.from('{}');
    return send({ url, headers: {}, body, timeoutMs: LIMIT_MS, signal }).catch((error: unknown) => error);
  }

  for (const [what, answer, code, isAtOnce] of CASES) {
    it(`takes ${what} for a failure, and leaves no connection behind`, async () => {
      const { url, closed } = await startAt(answer);
      const startedAt = performance.now();
      assert.equal(((await post(url)) as SendError).code, 'unreachable');
      const tookMs = performance.now() - startedAt;
      const { error } = await fetchSource(url, { allow, headMs: LIMIT_MS });
      assert.equal(error?.code, code);
      assert.ok(isAtOnce ? tookMs < LIMIT_MS : tookMs < LIMIT_MS * 4, `${tookMs} ms`);
      await Promise.all(closed);
      assert.equal(closed.length, 2);
    });
  }

  it('takes a 101 that names no protocol for an answer that is no success', async () => {
    const { url } = await startAt((socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    const { status } = (await post(url)) as { status?: number };
    assert.equal(status, 101);
    const { error } = await fetchSource(url, { allow, headMs: LIMIT_MS });
    assert.equal(error?.code, 'source_bad_answer');
  });

  it('ends with who asked, whatever comes', async () => {
    const { url } = await startAt(flood);
    const asked = new AbortController();
    const sent = post(url, asked.signal);
    setTimeout(() => asked.abort(new Error('enough')), 50);
    assert.equal(await sent, asked.signal.reason);
  });

  it('waits for nothing that does not end when it is told to', async () => {
    const deaf = () => new EventEmitter() as ClientRequest;
    const over = new AbortController();
    const waiting = [awaitAnswerHead(deaf(), over.signal), orAborted(new Promise(() => {}), over.signal)];
    over.abort(new Error('over'));
    waiting.push(awaitAnswerHead(deaf(), over.signal), orAborted(new Promise(() => {}), over.signal));
    for (const each of waiting) await assert.rejects(each, over.signal.reason);
    const closed = deaf();
    const head = awaitAnswerHead(closed, new AbortController().signal);
    closed.emit('close');
    await assert.rejects(head, { code: 'CLOSED' });
  });
});
