import assert from 'node:assert/strict';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';
import { FACTS, upload } from '../support/processedVideo.ts';
import { TRANSCRIPT_TYPES, type TranscriptFormat, textsOf, useTranscripts } from '../support/transcripts.ts';
import { videoBytes } from '../support/uploading.ts';

const SEGMENTS: TranscriptSegment[] = [
  {
    startSec: 1,
    endSec: 3.5,
    text: 'Hello there.',
    speaker: 'Ann & <Bob>',
    words: [
      { startSec: 1, endSec: 2, text: 'Hello' },
      { startSec: 2.5, endSec: 3.5, text: 'there.' },
    ],
  },
  {
    startSec: 4,
    endSec: 12,
    text: 'Is it <b>true</b> that 1 < 2 --> 3 & more, as it says\nin the second line of all this? Yes.',
  },
  { startSec: 60, endSec: 61.5, text: '吾輩は猫である。🎬' },
];

describe('transcripts over HTTP', () => {
  const here = useTranscripts();

  it('are given out in four formats, and not again to who has them', async () => {
    const id = await here.makeVideo();
    await here.addMachine(id, SEGMENTS);
    for (const [format, type] of Object.entries(TRANSCRIPT_TYPES) as [TranscriptFormat, string][]) {
      const answer = await here.get(id, format);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), `${type}; charset=utf-8`);
      const etag = answer.headers.get('etag') ?? '';
      const again = await here.get(id, format, '', { 'if-none-match': etag });
      assert.deepEqual([again.status, again.body], [304, '']);
      const head = await here.api.call(`/v1/videos/${id}/transcript.${format}`, {
        method: 'HEAD',
        token: here.user.token,
      });
      assert.equal(head.headers.get('etag'), etag);
    }
    const { body } = await here.get(id, 'json');
    const { created_at, segments, ...rest } = body;
    assert.match(created_at, /^\d{4}-.*Z$/);
    assert.deepEqual(rest, {
      language: 'en',
      version: 1,
      kind: 'machine',
      model: 'whisper-1',
      text: SEGMENTS.map(({ text }) => text).join('\n'),
    });
    assert.deepEqual(segments[0], {
      start_sec: 1,
      end_sec: 3.5,
      text: 'Hello there.',
      speaker: 'Ann & <Bob>',
      words: [
        { start_sec: 1, end_sec: 2, text: 'Hello' },
        { start_sec: 2.5, end_sec: 3.5, text: 'there.' },
      ],
    });
    assert.equal(segments.length, 3);
    const srt = (await here.get(id, 'srt')).body;
    assert.ok(
      srt.startsWith('1\r\n00:00:01,000 --> 00:00:03,500\r\nHello there.\r\n\r\n2\r\n00:00:04,000 --> '),
    );
    assert.doesNotMatch(srt, /[^\r]\n/);
  });

  it('come back as they were when they are sent as they came, in each format', async () => {
    const id = await here.makeVideo();
    await here.addMachine(id, SEGMENTS);
    for (const format of Object.keys(TRANSCRIPT_TYPES) as TranscriptFormat[]) {
      const before = await here.get(id, format);
      const body = format === 'json' ? JSON.stringify(before.body) : before.body;
      const answer = await here.put(id, TRANSCRIPT_TYPES[format], body);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const { kind, model, language } = answer.body;
      // As JSON nothing is lost, so nothing is changed.
      const made = answer.body.version === 1 ? ['machine', 'whisper-1'] : ['edited', null];
      assert.deepEqual([kind, model, language], [...made, 'en']);
      const after = await here.get(id, format);
      const known = (view: typeof after) => (format === 'json' ? view.body.segments : view.body);
      assert.deepEqual(known(after), known(before), format);
    }
  });

  it('come back also with the times of all words of six hours', async () => {
    const id = await here.makeVideo();
    const words = Array.from({ length: 50_000 }, (_, at) => {
      const startSec = Math.round(at * 3.3) / 1000;
      return { startSec, endSec: startSec + 0.003, text: `word${at}` };
    });
    await here.addMachine(id, [
      { startSec: 0, endSec: 165, text: words.map(({ text }) => text).join(' '), words },
    ]);
    const before = await here.get(id, 'json');
    const body = JSON.stringify(before.body);
    assert.ok(body.length > 3e6);
    assert.equal((await here.put(id, 'application/json', body)).status, 200);
    assert.deepEqual((await here.get(id, 'json')).body.text, before.body.text);
    const large = await here.put(id, 'application/json', ' '.repeat(6 * 1024 * 1024 + 1));
    assert.equal(large.status, 413);
  });

  it('make no version of what changes nothing', async () => {
    const id = await here.makeVideo();
    await here.addMachine(id, SEGMENTS);
    const { body: machine } = await here.get(id, 'json');
    assert.deepEqual((await here.putJson(id, machine)).body, machine);
    const put = (text: string, query = '') => here.put(id, 'text/plain', text, query);
    const { body: edited } = await put('Written by hand.');
    assert.equal(edited.version, 2);
    assert.deepEqual((await put('Written by hand.')).body, edited);
    assert.equal((await put('Written by hand.', '?language=de')).body.version, 3);
    assert.equal((await put('Written by Hand.', '?language=de')).body.version, 4);
  });

  it('keep every version, and use what a person has written before what a machine has', async () => {
    const id = await here.makeVideo();
    const none = await here.get(id, 'json');
    assert.deepEqual([none.status, none.body.code, none.body.retryable], [404, 'no_transcript', false]);
    const open = await upload(here.api, here.user, videoBytes(4096, 'still to be transcribed'));
    const early = await here.get(open, 'txt');
    assert.deepEqual([early.status, early.body.code, early.body.retryable], [404, 'no_transcript', true]);
    await here.addMachine(id, SEGMENTS);
    await here.putJson(id, { text: 'Written by hand.' });
    await here.addMachine(id, [{ startSec: 0, endSec: 1, text: 'Made again.' }]);
    const text = async (query: string) => (await here.get(id, 'txt', query)).body;
    assert.equal(await text(''), 'Written by hand.\n');
    assert.equal(await text('?version=edited'), 'Written by hand.\n');
    assert.equal(await text('?version=machine'), 'Made again.\n');
    assert.match(await text('?version=1'), /^Hello there\./);
    assert.equal((await here.get(id, 'txt', '?version=4')).body.code, 'no_transcript');
    for (const version of ['0', 'x', '1.5', '99999999999', '']) {
      assert.equal((await here.get(id, 'txt', `?version=${version}`)).status, 422, version);
    }
  });

  it('are corrected by one who has seen what he corrects, in whatever format', async () => {
    const id = await here.makeVideo();
    const put = (text: string, ifMatch: string) =>
      here.put(id, 'text/plain', text, '', { 'if-match': ifMatch });
    assert.equal((await put('x', '*')).status, 412, 'there is none');
    await here.addMachine(id, SEGMENTS);
    const etags = await Promise.all(
      (['json', 'vtt', 'srt', 'txt'] as const).map(async (format) =>
        String((await here.get(id, format)).headers.get('etag')),
      ),
    );
    assert.equal(new Set(etags).size, 4);
    const [json = '', vtt = ''] = etags;
    const late = await put('x', `"other", W/${json}`);
    assert.deepEqual([late.status, late.body.code], [412, 'precondition_failed']);
    const answers = await Promise.all(etags.map((etag) => put(`by ${etag}`, etag)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
    assert.equal((await put('x', vtt)).status, 412);
    assert.equal((await put('x', '*')).status, 200);
    const now = String((await here.get(id, 'srt')).headers.get('etag'));
    assert.equal((await put('y', `${json}, ${now}`)).status, 200);
  });

  it('lay a text over the version that is current when it is written', async () => {
    const id = await here.makeVideo();
    const answers = await Promise.all(
      [10, 20, 30, 40, 50].flatMap((start_sec) => [
        here.putJson(id, { segments: [{ start_sec, end_sec: start_sec + 1, text: 'One.' }] }),
        here.put(id, 'text/plain', 'Two.'),
      ]),
    );
    const starts = answers
      .sort((a, b) => a.body.version - b.body.version)
      .map(({ body }) => [body.text, body.segments[0].start_sec]);
    for (const [at, [text, startSec]] of starts.entries())
      if (text === 'Two.') assert.equal(startSec, starts[at - 1]?.[1] ?? 0, JSON.stringify(starts));
  });

  it('take two at once as two versions', async () => {
    const id = await here.makeVideo();
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((text) => here.putJson(id, { text })));
    assert.deepEqual(answers.map(({ body }) => body.version).sort(), [1, 2, 3, 4]);
    const newest = answers.find(({ body }) => body.version === 4);
    assert.equal((await here.get(id, 'json')).body.text, newest?.body.text);
  });

  it('know their language: what is said with them, else that of the version before', async () => {
    const id = await here.makeVideo();
    assert.equal((await here.putJson(id, { text: 'x' })).body.language, null);
    assert.equal((await here.putJson(id, { text: 'x', language: 'PT-br' })).body.language, 'pt-BR');
    assert.equal(
      (await here.put(id, 'text/vtt', 'WEBVTT\n\n00:01.000 --> 00:02.000\nx')).body.language,
      'pt-BR',
    );
    assert.equal((await here.put(id, 'text/plain', 'x', '?language=de')).body.language, 'de');
    assert.equal((await here.putJson(id, { text: 'x' })).body.language, 'de');
    assert.equal((await here.putJson(id, { text: 'x', language: null })).body.language, null);
    assert.equal((await here.putJson(id, { text: 'x' })).body.language, null);
    for (const language of ['', 'english language', 'x', 'e\nn']) {
      const answer = await here.putJson(id, { text: 'x', language });
      assert.deepEqual([answer.status, answer.body.errors?.[0].path], [422, 'language'], language);
    }
  });

  it('lay plain text over the times that were there', async () => {
    const id = await here.makeVideo();
    const spread = await here.putJson(id, { text: 'One two three. Four five six.' });
    assert.deepEqual(textsOf(spread), ['One two three.', 'Four five six.']);
    assert.equal(spread.body.segments[0].start_sec, 0);
    assert.equal(spread.body.segments[1].end_sec, FACTS.durationSec);
    await here.addMachine(id, SEGMENTS);
    await here.put(
      id,
      'text/vtt',
      'WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Helo\n\n00:05.000 --> 00:06.000\nyou\n',
    );
    const mended = await here.put(id, 'text/plain', 'Hello,\nyou!\n');
    assert.deepEqual(mended.body.segments, [
      { start_sec: 1, end_sec: 2, text: 'Hello,', speaker: 'Ann' },
      { start_sec: 5, end_sec: 6, text: 'you!' },
    ]);
  });

  it('lay plain text also over times that nobody could send', async () => {
    const id = await here.makeVideo();
    const segments = [
      { startSec: 3, endSec: 3, text: 'no length' },
      { startSec: 164, endSec: 170, text: 'beyond the end' },
    ];
    await here.addMachine(id, segments);
    const { body } = await here.putJson(id, { text: 'a\nb' });
    assert.deepEqual(body.segments, [
      { start_sec: 3, end_sec: 3.001, text: 'a' },
      { start_sec: 164, end_sec: 165.04, text: 'b' },
    ]);
    const crowd = await here.putJson(id, { text: 'Yes. '.repeat(20_000), language: 'en' });
    assert.equal(crowd.status, 200);
  });
});
