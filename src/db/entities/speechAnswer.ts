import { defineEntity, p } from '@mikro-orm/core';
import type { TranscriptContent } from '../../domain/transcript.ts';
import { newId } from '../ids.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'SpeechAnswer',
  tableName: 'speech_answers',
  uniques: [
    {
      name: 'speech_answers_question',
      properties: ['user', 'sourceSha256', 'startMs', 'endMs', 'encoder', 'model', 'optionsSha256'],
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    /** Of the video the sound is of; with the range, the encoder and its options it says what was sent. */
    sourceSha256: p.text(),
    startMs: p.integer(),
    endMs: p.integer(),
    encoder: p.text(),
    model: p.text(),
    /** Of the rest of the question, in one canonical text. */
    optionsSha256: p.text(),
    /** Times from the beginning of the chunk. */
    answer: p.json<TranscriptContent>(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** What a transcriber answered about one chunk of sound. It was paid for, so it is never asked for again. */
export class SpeechAnswer extends schema.class {}
schema.setClass(SpeechAnswer);
