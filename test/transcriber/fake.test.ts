import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeTranscriber } from '../support/fakes/openai.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { makeMedia } from '../support/mediaFixtures.ts';
import { makeTones } from '../support/tones.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Sends a form as a client of another make would. */
async function post(
  fakes: Fakes,
  fields: Record<string, string>,
  file: { bytes: Uint8Array; name: string } | null,
  key = fakes.apiKey,
): Promise<{
  status: number;
  text: string;
  body: Record<string, unknown>;
  error: Record<string, string | null>;
}> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (file) form.append('file', new File([file.bytes as Bytes], file.name));
  const response = await fetch(`${fakes.baseUrl}/audio/transcriptions`, {
    ...{ method: 'POST', body: form, headers: { authorization: `Bearer ${key}` } },
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  const body = isJson ? JSON.parse(text) : {};
  return { status: response.status, text, body, error: body.error ?? {} };
}

describe('the fake of OpenAI’s transcriptions', () => {
  let fakes: Fakes;
  let ogg: { bytes: Uint8Array; name: string };
  let long: (seconds: number) => Promise<{ bytes: Uint8Array; name: string }>;

  before(async () => {
    fakes = await startFakeTranscriber();
    ogg = { bytes: await makeTones([{ fromSec: 1, toSec: 2, hz: 440 }], 4), name: 'a.ogg' };
    long = async (seconds) => {
      const path = join(tmpdir(), `long-${process.pid}-${seconds}.flac`);
      await makeMedia('-f', 'lavfi', '-i', `anullsrc=r=16000:cl=mono:d=${seconds}`, '-c:a', 'flac', path);
      const bytes = await readFile(path);
      await rm(path);
      return { bytes, name: 'long.flac' };
    };
  });
  after(() => fakes.close());
  beforeEach(() => fakes.reset());

  const refused = async (
    fields: Record<string, string>,
    file: { bytes: Uint8Array; name: string } | null,
    status: number,
    words: RegExp,
  ) => {
    const { status: actual, error } = await post(fakes, fields, file);
    assert.equal(actual, status, JSON.stringify(error));
    assert.match(String(error.message), words);
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  };

  it('wants its key', async () => {
    assert.equal((await post(fakes, { model: 'whisper-1' }, ogg, 'another')).error.code, 'invalid_api_key');
  });

  it('refuses what a model does not take', async () => {
    const diarize = 'gpt-4o-transcribe-diarize';
    await refused({}, ogg, 400, /model/);
    await refused({ model: 'whisper-9' }, ogg, 404, /does not exist/);
    await refused({ model: 'whisper-1', colour: 'red' }, ogg, 400, /colour/);
    await refused(
      { model: 'gpt-4o-transcribe', response_format: 'verbose_json' },
      ogg,
      400,
      /not compatible/,
    );
    await refused({ model: diarize, response_format: 'srt' }, ogg, 400, /not compatible/);
    await refused({ model: diarize, prompt: 'Names' }, ogg, 400, /Prompt/);
    await refused({ model: 'whisper-1', 'timestamp_granularities[]': 'word' }, ogg, 400, /verbose_json/);
    await refused({ model: 'whisper-1', language: 'english' }, ogg, 400, /ISO-639-1/);
    await refused({ model: 'whisper-1', 'languages[]': 'en' }, ogg, 400, /languages/);
  });

  it('refuses what is no sound, is too large, or is another one than its name says', async () => {
    const model = 'whisper-1';
    const named = (name: string, bytes: Uint8Array = ogg.bytes) => ({ name, bytes });
    await refused({ model }, null, 400, /file/);
    await refused({ model }, named('speech'), 400, /Supported formats/);
    await refused({ model }, named('speech.opus'), 400, /Supported formats/);
    await refused({ model }, named('speech.mp3', Buffer.from('hello')), 400, /corrupted/);
    await refused({ model }, named('speech.wav'), 400, /corrupted/);
    await refused({ model }, named('speech.ogg', new Uint8Array(26_214_401)), 413, /26214400/);
    await refused({ model }, named('a.wav', await makeTones([], 0.05, 'wav')), 400, /too short/);
  });

  it('refuses what is longer than its model takes', async () => {
    const [some, over] = [await long(31), await long(1501)];
    const diarize = { model: 'gpt-4o-transcribe-diarize' };
    await refused({ model: 'gpt-4o-transcribe' }, over, 400, /longer than 1500/);
    await refused({ ...diarize, chunking_strategy: 'auto' }, over, 400, /longer than 1400/);
    await refused(diarize, some, 400, /chunking_strategy is required/);
    assert.equal((await post(fakes, { ...diarize, chunking_strategy: 'auto' }, some)).status, 200);
    assert.equal((await post(fakes, { model: 'whisper-1' }, over)).status, 200);
  });

  it('answers by what it hears, in every format', async () => {
    const answer = (format: string) => post(fakes, { model: 'whisper-1', response_format: format }, ogg);
    assert.match(String((await answer('json')).body.text), /^w0 hz440 f\w{8}\.$/);
    const verbose = (await answer('verbose_json')).body;
    assert.deepEqual([verbose.language, verbose.words], ['english', undefined]);
    assert.match((await answer('text')).text, /^w0 hz440/);
    assert.match((await answer('srt')).text, /^1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\nw0/);
    assert.match((await answer('vtt')).text, /^WEBVTT\n\n00:00:0/);
  });

  it('records every request, and what became of it', async () => {
    fakes.behave({ kind: 'drop' }, { kind: 'slow', ms: 200 }, { kind: 'slow', ms: 200 });
    await assert.rejects(post(fakes, { model: 'whisper-1' }, ogg));
    await Promise.all([1, 2].map(() => post(fakes, { model: 'whisper-1' }, ogg)));
    const facts = fakes.requests.map(({ index, status, behaviour, isAbandoned }) => [
      ...[index, status, behaviour, isAbandoned],
    ]);
    assert.deepEqual(facts, [
      [0, null, 'drop', true],
      [1, 200, 'slow', false],
      [2, 200, 'slow', false],
    ]);
    assert.equal(new Set(fakes.requests.map(({ file }) => file?.sha256)).size, 1);
    assert.equal(fakes.mostAtOnce(), 2);
  });
});
