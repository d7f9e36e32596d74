import assert from 'node:assert/strict';
import { MAX_BYTES } from '../../src/http/transcripts/readText.ts';
import type { Answer } from '../support/api.ts';
import { upload } from '../support/processedVideo.ts';
import { textsOf, useTranscripts } from '../support/transcripts.ts';
import { videoBytes } from '../support/uploading.ts';

describe('what people send for a transcript', () => {
  const here = useTranscripts();

  it('may be captions as they have them', async () => {
    const id = await here.makeVideo();
    const vtt = [
      '\ufeffWEBVTT - title\r\nKind: captions\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\nNOTE a\r\nb --> c\r\n\r\nintro',
      '00:05.5 --> 00:07.000 align:start position:10%',
      '<v.loud Mary Ann>Hello <b>you</b> &amp; &lt;me&gt;</v><v Tom>Hi <00:06.000>there</v>',
      '',
      '00:00:02,000 --> 00:00:03.000',
      'earlier <inaudible> 1 < 2',
      '00:03.000 --> 00:04.000',
      'no empty line before',
    ].join('\r\n');
    const answer = await here.put(id, 'text/vtt; charset=utf-8', vtt);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.deepEqual(answer.body.segments, [
      { start_sec: 2, end_sec: 3, text: 'earlier <inaudible> 1 < 2' },
      { start_sec: 3, end_sec: 4, text: 'no empty line before' },
      { start_sec: 5.5, end_sec: 6.475, text: 'Hello you & <me>', speaker: 'Mary Ann' },
      { start_sec: 6.475, end_sec: 7, text: 'Hi there', speaker: 'Tom' },
    ]);
    const srt = [
      '00:00:01.5 --> 00:00:02,000 X1:40 X2:600',
      '{\\an8}<i>no</i> index &amp; <font color="#fff">colour</font>\n\nafter an empty line\n',
      '7\n0:3,25-->0:4,5\n1984',
      '8\n00:00:05,000 --> 00:00:06,000\n\n',
    ].join('\n');
    for (const type of ['application/x-subrip', 'text/srt', 'text/plain']) {
      const { body } = await here.put(id, type, srt);
      assert.deepEqual(body.segments, [
        { start_sec: 1.5, end_sec: 2, text: 'no index & colour\nafter an empty line' },
        { start_sec: 3.25, end_sec: 4.5, text: '1984' },
      ]);
    }
  });

  it('is read in the charset that it names or shows', async () => {
    const id = await here.makeVideo();
    const file = '1\n00:00:01,000 --> 00:00:02,000\nCafé\n';
    const latin = new Uint8Array(Buffer.from(file, 'latin1'));
    assert.deepEqual(textsOf(await here.put(id, 'text/srt; charset=windows-1252', latin)), ['Café']);
    assert.deepEqual(
      textsOf(await here.put(id, 'text/srt', new Uint8Array(Buffer.from(`\ufeff${file}`, 'utf16le')))),
      ['Café'],
    );
    const unnamed = await here.put(id, 'text/srt', latin);
    assert.deepEqual([unnamed.status, unnamed.body.code], [400, 'invalid_body']);
    assert.match(unnamed.body.detail, /charset/);
    assert.equal((await here.put(id, 'text/srt; charset=klingon', latin)).status, 415);
  });

  it('is refused by the place that is wrong', async () => {
    const id = await here.makeVideo();
    const errorsOf = async (answering: Promise<Answer>) => {
      const { status, body } = await answering;
      assert.equal(status, 422, JSON.stringify(body));
      return body.errors.map(({ path }: { path: string }) => path);
    };
    const segment = { start_sec: 0, end_sec: 1, text: 'x' };
    const withSegment = (...changed: object[]) =>
      errorsOf(
        here.putJson(id, { segments: [segment, ...changed.map((change) => ({ ...segment, ...change }))] }),
      );
    assert.deepEqual(await withSegment({ end_sec: 0 }), ['segments.1.end_sec']);
    assert.deepEqual(await withSegment({ end_sec: 167 }), ['segments.1.end_sec']);
    assert.deepEqual(await withSegment({ start_sec: 1e300, end_sec: 1e301 }), ['segments.1.start_sec']);
    assert.deepEqual(await withSegment({ start_sec: -1 }, { text: 7 }), [
      'segments.1.start_sec',
      'segments.2.text',
    ]);
    assert.deepEqual(await withSegment({ text: 'a\u0000' }), ['segments.1.text']);
    assert.deepEqual(await withSegment({ extra: 1 }), ['segments.1.extra']);
    assert.deepEqual(await withSegment({ words: [{}] }), [
      'segments.1.words.0.start_sec',
      'segments.1.words.0.end_sec',
      'segments.1.words.0.text',
    ]);
    assert.deepEqual(await errorsOf(here.putJson(id, {})), ['text']);
    assert.deepEqual(await errorsOf(here.putJson(id, { segments: [], versions: 1 })), ['versions']);
    assert.deepEqual(await errorsOf(here.putJson(id, { segments: 'x' })), ['segments']);
    assert.deepEqual(await errorsOf(here.put(id, 'text/vtt', '1\nhello')), ['line 1']);
    assert.deepEqual(
      await errorsOf(here.put(id, 'text/vtt', 'WEBVTT\n\n00:00:61.000 --> 00:01\nx\n\n1 --> 2\n')),
      ['line 3', 'line 6'],
    );
    assert.deepEqual(await errorsOf(here.put(id, 'text/srt', '1\n00:00:05,000 --> 00:00:04,000\nx')), [
      'line 2',
    ]);
    const many = await here.putJson(id, { segments: Array.from({ length: 20_000 }, () => ({})) });
    assert.equal(many.body.errors.length, 20);
    assert.deepEqual(await errorsOf(here.putJson(id, { segments: Array(20_001).fill(segment) })), [
      'segments',
    ]);
    assert.deepEqual(await errorsOf(here.putJson(id, { text: 'x '.repeat(500_000) })), ['text']);
    assert.deepEqual(await errorsOf(here.putJson(id, { text: 'x\n'.repeat(20_001) })), ['text']);
    for (const json of ['{', 'null', '"x"', '1']) {
      const { status, body } = await here.put(id, 'application/json', json);
      assert.deepEqual([status, body.code], [400, 'invalid_json'], json);
    }
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    assert.deepEqual(await errorsOf(here.put(id, 'application/json', deep)), ['']);
    assert.deepEqual(await errorsOf(here.put(id, 'application/json', `{"segments":${deep}}`)), [
      'segments.0',
    ]);
    const words = `{"segments":[{"start_sec":0,"end_sec":1,"text":"x","words":${deep}}]}`;
    assert.deepEqual(await errorsOf(here.put(id, 'application/json', words)), ['segments.0.words.0']);
    assert.deepEqual(await withSegment({ words: 'x' }), ['segments.1.words']);
    assert.equal((await here.get(id, 'json')).body.code, 'no_transcript', 'nothing was kept');
  });

  it('is clipped, sorted and cleaned where that mends it', async () => {
    const id = await here.makeVideo();
    const given = [
      { start_sec: 165.5, end_sec: 166, text: 'all beyond the end' },
      { start_sec: 164, end_sec: 165.9, text: 'over the end' },
      {
        start_sec: 1,
        end_sec: 2,
        text: '  a\tb \u0007c\r\n\r\n d ',
        speaker: ' Ann\nB ',
        words: [{ start_sec: 1, end_sec: 2, text: 'other' }],
      },
      { start_sec: 3, end_sec: 4, text: ' \n ' },
    ];
    const { body } = await here.putJson(id, { segments: given });
    assert.deepEqual(body.segments, [
      { start_sec: 1, end_sec: 2, text: 'a b c\nd', speaker: 'Ann B' },
      { start_sec: 164, end_sec: 165.04, text: 'over the end' },
      { start_sec: 164.54, end_sec: 165.04, text: 'all beyond the end' },
    ]);
  });

  it('is not repeated with every caption, however long a name is', async () => {
    const id = await here.makeVideo();
    const long = `Ann ${'&-'.repeat(100_000)}`;
    const text = 'word '.repeat(2000);
    const segment = { start_sec: 0, end_sec: 160, text, speaker: long };
    for (const answer of [
      await here.putJson(id, { segments: [segment] }),
      await here.put(id, 'text/vtt', `WEBVTT\n\n00:00.000 --> 02:40.000\n<v ${long}>${text}\n`),
      await here.put(id, 'text/plain', 'the same'),
    ]) {
      assert.equal(answer.status, 200, answer.body.detail);
      assert.deepEqual(
        answer.body.segments.map(({ speaker }: { speaker: string }) => speaker),
        [long.slice(0, 100)],
      );
      assert.ok((await here.get(id, 'vtt')).body.length < 200_000);
    }
    const cut = await here.putJson(id, {
      segments: [{ ...segment, text: 'x', speaker: `${'-'.repeat(99)}😀` }],
    });
    assert.equal(cut.body.segments[0].speaker, '-'.repeat(99));
    assert.match((await here.get(id, 'vtt')).body, /\nx\n$/);
  });

  it('holds up nobody, however large', async () => {
    const id = await here.makeVideo();
    const header = 'WEBVTT\n\n00:00.000 --> 00:05.000\n';
    for (const [opening, part] of [
      ['<v', ' '],
      ['', '<v '],
      ['<v Ann', '-'],
    ] as const) {
      const body = header + opening + part.repeat((MAX_BYTES - 100) / part.length);
      const startedAt = process.cpuUsage();
      assert.ok([200, 422].includes((await here.put(id, 'text/vtt', body)).status));
      const tookMs = process.cpuUsage(startedAt).user / 1000;
      // With the square of its length it would be hours.
      assert.ok(tookMs < 5000, `${opening}${part} took ${tookMs} ms`);
    }
  });

  it('is shown when it was said, also where two speak at once', async () => {
    const id = await here.makeVideo();
    const long = 'We went down to the harbour in the morning, and there was nobody to be seen. '.repeat(2);
    await here.putJson(id, {
      segments: [
        { start_sec: 0, end_sec: 14, text: long, speaker: 'Ann' },
        { start_sec: 2, end_sec: 2.6, text: 'Yes.', speaker: 'Bob' },
      ],
    });
    const written = await here.get(id, 'vtt');
    assert.match(written.body, /\n00:00:02\.000 --> 00:00:03\.000\n<v Bob>Yes\.\n/);
    await here.put(id, 'text/vtt', written.body);
    assert.equal((await here.get(id, 'vtt')).body, written.body);
  });

  it('may be empty', async () => {
    const id = await here.makeVideo();
    for (const answer of [
      await here.putJson(id, { segments: [] }),
      await here.put(id, 'text/vtt', 'WEBVTT\n'),
      await here.put(id, 'text/srt', ''),
      await here.put(id, 'text/plain', ''),
    ]) {
      assert.deepEqual(
        [answer.status, answer.body.segments, answer.body.text],
        [200, [], ''],
        JSON.stringify(answer.body),
      );
    }
    assert.equal((await here.get(id, 'vtt')).body, 'WEBVTT\n');
    assert.equal((await here.get(id, 'srt')).body, '');
    assert.equal((await here.get(id, 'txt')).body, '');
  });

  it('is not too large, of no other type, and not before the duration is known', async () => {
    const id = await here.makeVideo();
    const large = await here.put(id, 'text/plain', 'x'.repeat(MAX_BYTES + 1));
    assert.deepEqual([large.status, large.body.code], [413, 'too_large']);
    const streamed = await fetch(`${here.api.url}/v1/videos/${id}/transcript`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${here.user.token}`, 'content-type': 'text/plain' },
      body: new Blob(['x'.repeat(3 * 1024 * 1024)]).stream(),
      duplex: 'half',
    } as RequestInit);
    assert.equal(streamed.status, 413);
    for (const type of ['application/octet-stream', 'text/html', 'multipart/form-data']) {
      assert.equal((await here.put(id, type, 'WEBVTT')).status, 415, type);
    }
    const pending = await upload(here.api, here.user, videoBytes(4096, 'early'));
    const early = await here.putJson(pending, { text: 'x' });
    assert.deepEqual([early.status, early.body.code, early.body.retryable], [409, 'not_ready', true]);
  });
});
