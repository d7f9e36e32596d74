import assert from 'node:assert/strict';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, upload } from '../support/processedVideo.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(4096, 'transcripts');
const FORMATS = {
  json: 'application/json',
  vtt: 'text/vtt',
  srt: 'application/x-subrip',
  txt: 'text/plain',
} as const;
type Format = keyof typeof FORMATS;

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
  let api: TestApi;
  let user: TestUser;
  before(async () => {
    api = await startApi();
    user = await api.makeUser();
  });
  after(() => api.close());

  const makeVideo = () => makeReady(api, user, { bytes, facts: { ...FACTS, language: null } });
  const addMachine = (videoId: string, segments = SEGMENTS, language: string | null = 'en') =>
    api.db.transcripts.add({ videoId, kind: 'machine', language, model: 'whisper-1', segments });
  const get = (id: string, format: Format, query = '', headers = {}) =>
    api.call(`/v1/videos/${id}/transcript.${format}${query}`, { token: user.token, headers });
  const put = (id: string, type: string, body: string | Uint8Array<ArrayBuffer>, query = '') =>
    api.call(`/v1/videos/${id}/transcript${query}`, {
      method: 'PUT',
      token: user.token,
      headers: { 'content-type': type },
      body,
    });
  const putJson = (id: string, json: unknown) => put(id, 'application/json', JSON.stringify(json));
  const textsOf = ({ body }: { body: { segments: { text: string }[] } }) =>
    body.segments.map(({ text }) => text);

  it('are given out in four formats, and not again to who has them', async () => {
    const id = await makeVideo();
    await addMachine(id);
    for (const [format, type] of Object.entries(FORMATS) as [Format, string][]) {
      const answer = await get(id, format);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), `${type}; charset=utf-8`);
      const etag = answer.headers.get('etag') ?? '';
      const again = await get(id, format, '', { 'if-none-match': etag });
      assert.deepEqual([again.status, again.body], [304, '']);
      const head = await api.call(`/v1/videos/${id}/transcript.${format}`, {
        method: 'HEAD',
        token: user.token,
      });
      assert.equal(head.headers.get('etag'), etag);
    }
    const { body } = await get(id, 'json');
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
    const srt = (await get(id, 'srt')).body;
    assert.ok(
      srt.startsWith('1\r\n00:00:01,000 --> 00:00:03,500\r\nHello there.\r\n\r\n2\r\n00:00:04,000 --> '),
    );
    assert.doesNotMatch(srt, /[^\r]\n/);
  });

  it('come back as they were when they are sent as they came, in each format', async () => {
    const id = await makeVideo();
    await addMachine(id);
    for (const format of Object.keys(FORMATS) as Format[]) {
      const before = await get(id, format);
      const body = format === 'json' ? JSON.stringify({ segments: before.body.segments }) : before.body;
      const answer = await put(id, FORMATS[format], body);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.deepEqual([answer.body.kind, answer.body.model, answer.body.language], ['edited', null, 'en']);
      const after = await get(id, format);
      const known = (view: typeof after) => (format === 'json' ? view.body.segments : view.body);
      assert.deepEqual(known(after), known(before), format);
    }
  });

  it('keep every version, and use what a person has written before what a machine has', async () => {
    const id = await makeVideo();
    const none = await get(id, 'json');
    assert.deepEqual([none.status, none.body.code, none.body.retryable], [404, 'no_transcript', true]);
    await addMachine(id);
    await putJson(id, { text: 'Written by hand.' });
    await addMachine(id, [{ startSec: 0, endSec: 1, text: 'Made again.' }]);
    const text = async (query: string) => (await get(id, 'txt', query)).body;
    assert.equal(await text(''), 'Written by hand.\n');
    assert.equal(await text('?version=edited'), 'Written by hand.\n');
    assert.equal(await text('?version=machine'), 'Made again.\n');
    assert.match(await text('?version=1'), /^Hello there\./);
    assert.equal((await get(id, 'txt', '?version=4')).body.code, 'no_transcript');
    for (const version of ['0', 'x', '1.5', '99999999999', '']) {
      assert.equal((await get(id, 'txt', `?version=${version}`)).status, 422, version);
    }
  });

  it('take two at once as two versions', async () => {
    const id = await makeVideo();
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((text) => putJson(id, { text })));
    assert.deepEqual(answers.map(({ body }) => body.version).sort(), [1, 2, 3, 4]);
    const newest = answers.find(({ body }) => body.version === 4);
    assert.equal((await get(id, 'json')).body.text, newest?.body.text);
  });

  it('know their language: what is said with them, else that of the version before', async () => {
    const id = await makeVideo();
    assert.equal((await putJson(id, { text: 'x' })).body.language, null);
    assert.equal((await putJson(id, { text: 'x', language: 'PT-br' })).body.language, 'pt-BR');
    assert.equal((await put(id, 'text/vtt', 'WEBVTT\n\n00:01.000 --> 00:02.000\nx')).body.language, 'pt-BR');
    assert.equal((await put(id, 'text/plain', 'x', '?language=de')).body.language, 'de');
    assert.equal((await putJson(id, { text: 'x' })).body.language, 'de');
    assert.equal((await putJson(id, { text: 'x', language: null })).body.language, null);
    assert.equal((await putJson(id, { text: 'x' })).body.language, null);
    for (const language of ['', 'english language', 'x', 'e\nn']) {
      const answer = await putJson(id, { text: 'x', language });
      assert.deepEqual([answer.status, answer.body.errors?.[0].path], [422, 'language'], language);
    }
  });

  it('lay plain text over the times that were there', async () => {
    const id = await makeVideo();
    const spread = await putJson(id, { text: 'One two three. Four five six.' });
    assert.deepEqual(textsOf(spread), ['One two three.', 'Four five six.']);
    assert.equal(spread.body.segments[0].start_sec, 0);
    assert.equal(spread.body.segments[1].end_sec, FACTS.durationSec);
    await addMachine(id);
    await put(
      id,
      'text/vtt',
      'WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Helo\n\n00:05.000 --> 00:06.000\nyou\n',
    );
    const mended = await put(id, 'text/plain', 'Hello,\nyou!\n');
    assert.deepEqual(mended.body.segments, [
      { start_sec: 1, end_sec: 2, text: 'Hello,', speaker: 'Ann' },
      { start_sec: 5, end_sec: 6, text: 'you!' },
    ]);
  });

  it('lay plain text also over times that nobody could send', async () => {
    const id = await makeVideo();
    const segments = [
      { startSec: 3, endSec: 3, text: 'no length' },
      { startSec: 164, endSec: 170, text: 'beyond the end' },
    ];
    await addMachine(id, segments);
    const { body } = await putJson(id, { text: 'a\nb' });
    assert.deepEqual(body.segments, [
      { start_sec: 3, end_sec: 3.001, text: 'a' },
      { start_sec: 164, end_sec: 165.04, text: 'b' },
    ]);
    const crowd = await putJson(id, { text: 'Yes. '.repeat(20_000), language: 'en' });
    assert.equal(crowd.status, 200);
  });

  it('take captions as people have them', async () => {
    const id = await makeVideo();
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
    const answer = await put(id, 'text/vtt; charset=utf-8', vtt);
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
      const { body } = await put(id, type, srt);
      assert.deepEqual(body.segments, [
        { start_sec: 1.5, end_sec: 2, text: 'no index & colour\nafter an empty line' },
        { start_sec: 3.25, end_sec: 4.5, text: '1984' },
      ]);
    }
  });

  it('read the charset that a body names or shows', async () => {
    const id = await makeVideo();
    const file = '1\n00:00:01,000 --> 00:00:02,000\nCafé\n';
    const latin = new Uint8Array(Buffer.from(file, 'latin1'));
    assert.deepEqual(textsOf(await put(id, 'text/srt; charset=windows-1252', latin)), ['Café']);
    assert.deepEqual(
      textsOf(await put(id, 'text/srt', new Uint8Array(Buffer.from(`\ufeff${file}`, 'utf16le')))),
      ['Café'],
    );
    const unnamed = await put(id, 'text/srt', latin);
    assert.deepEqual([unnamed.status, unnamed.body.code], [400, 'invalid_body']);
    assert.match(unnamed.body.detail, /charset/);
    assert.equal((await put(id, 'text/srt; charset=klingon', latin)).status, 415);
  });

  it('refuse what is wrong by the place where it stands', async () => {
    const id = await makeVideo();
    const errorsOf = async (answering: ReturnType<typeof put>) => {
      const { status, body } = await answering;
      assert.equal(status, 422, JSON.stringify(body));
      return body.errors.map(({ path }: { path: string }) => path);
    };
    const segment = { start_sec: 0, end_sec: 1, text: 'x' };
    const withSegment = (...changed: object[]) =>
      errorsOf(putJson(id, { segments: [segment, ...changed.map((change) => ({ ...segment, ...change }))] }));
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
    assert.deepEqual(await errorsOf(putJson(id, {})), ['text']);
    assert.deepEqual(await errorsOf(putJson(id, { text: 'a', segments: [] })), ['text']);
    assert.deepEqual(await errorsOf(putJson(id, { segments: 'x' })), ['segments']);
    assert.deepEqual(await errorsOf(put(id, 'text/vtt', '1\nhello')), ['line 1']);
    assert.deepEqual(
      await errorsOf(put(id, 'text/vtt', 'WEBVTT\n\n00:00:61.000 --> 00:01\nx\n\n1 --> 2\n')),
      ['line 3', 'line 6'],
    );
    assert.deepEqual(await errorsOf(put(id, 'text/srt', '1\n00:00:05,000 --> 00:00:04,000\nx')), ['line 2']);
    const many = await putJson(id, { segments: Array.from({ length: 20_000 }, () => ({})) });
    assert.equal(many.body.errors.length, 20);
    assert.deepEqual(await errorsOf(putJson(id, { segments: Array(20_001).fill(segment) })), ['segments']);
    assert.deepEqual(await errorsOf(putJson(id, { text: 'x '.repeat(500_000) })), ['text']);
    assert.equal((await put(id, 'application/json', '{')).body.code, 'invalid_json');
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    assert.deepEqual(await errorsOf(put(id, 'application/json', deep)), ['']);
    assert.deepEqual(await errorsOf(put(id, 'application/json', `{"segments":${deep}}`)), ['segments.0']);
    const words = `{"segments":[{"start_sec":0,"end_sec":1,"text":"x","words":${deep}}]}`;
    assert.deepEqual(await errorsOf(put(id, 'application/json', words)), ['segments.0.words.0']);
    assert.deepEqual(await withSegment({ words: 'x' }), ['segments.1.words']);
    assert.equal((await get(id, 'json')).body.code, 'no_transcript', 'nothing was kept');
  });

  it('clip, sort and clean what can be mended', async () => {
    const id = await makeVideo();
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
    const { body } = await putJson(id, { segments: given });
    assert.deepEqual(body.segments, [
      { start_sec: 1, end_sec: 2, text: 'a b c\nd', speaker: 'Ann B' },
      { start_sec: 164, end_sec: 165.04, text: 'over the end' },
      { start_sec: 164.54, end_sec: 165.04, text: 'all beyond the end' },
    ]);
  });

  it('may be empty', async () => {
    const id = await makeVideo();
    for (const answer of [
      await putJson(id, { segments: [] }),
      await put(id, 'text/vtt', 'WEBVTT\n'),
      await put(id, 'text/srt', ''),
      await put(id, 'text/plain', ''),
    ]) {
      assert.deepEqual(
        [answer.status, answer.body.segments, answer.body.text],
        [200, [], ''],
        JSON.stringify(answer.body),
      );
    }
    assert.equal((await get(id, 'vtt')).body, 'WEBVTT\n');
    assert.equal((await get(id, 'srt')).body, '');
    assert.equal((await get(id, 'txt')).body, '');
  });

  it('take nothing too large, nothing of another type, and nothing before the duration is known', async () => {
    const id = await makeVideo();
    const large = await put(id, 'text/plain', 'x'.repeat(2 * 1024 * 1024 + 1));
    assert.deepEqual([large.status, large.body.code], [413, 'too_large']);
    const streamed = await fetch(`${api.url}/v1/videos/${id}/transcript`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${user.token}`, 'content-type': 'text/plain' },
      body: new Blob(['x'.repeat(3 * 1024 * 1024)]).stream(),
      duplex: 'half',
    } as RequestInit);
    assert.equal(streamed.status, 413);
    for (const type of ['application/octet-stream', 'text/html', 'multipart/form-data']) {
      assert.equal((await put(id, type, 'WEBVTT')).status, 415, type);
    }
    const pending = await upload(api, user, bytes);
    const early = await putJson(pending, { text: 'x' });
    assert.deepEqual([early.status, early.body.code, early.body.retryable], [409, 'not_ready', true]);
  });
});
