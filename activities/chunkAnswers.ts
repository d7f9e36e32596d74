import { createHash } from 'node:crypto';
import { rangeKey, type SpeechQuestion } from '../src/db/speechAnswers.ts';
import type { SpeechChunk } from '../src/domain/speech.ts';
import type { TranscriptContent, TranscriptOptions } from '../src/domain/transcript.ts';
import type { AnsweredChunk } from '../src/domain/transcriptJoin.ts';
import { RemoteTroubleError } from '../src/errors.ts';
import type { Transcriber } from '../src/transcriber/index.ts';
import type { ActivityDeps } from './index.ts';
import { keepPaid } from './keepPaid.ts';
import { workInLanes } from './lanes.ts';
import type { OpenSpeech } from './speech.ts';

export interface Asking {
  speech: OpenSpeech;
  userId: string;
  transcriber: Transcriber;
  options: TranscriptOptions & { model: string };
  signal: AbortSignal;
  /** Takes which share of the sound is answered, from 0 to 1. */
  onShare(share: number): void;
}

/**
 * Has every chunk transcribed whose answer is not stored, and stores each answer at once: it is paid for.
 *
 * @throws as the transcriber, saying whether anything was answered before; the cancellation
 */
export async function answerChunks(
  { db, config, log }: Pick<ActivityDeps, 'db' | 'config' | 'log'>,
  asking: Asking,
): Promise<AnsweredChunk[]> {
  const { speech, signal } = asking;
  const question = questionOf(asking);
  const answers = await db.speechAnswers.findAll(question);
  const isOpen = (chunk: SpeechChunk) => !answers.has(rangeKey(chunk));
  const open = speech.chunks.filter(isOpen);
  const show = () => asking.onShare(1 - lengthOf(speech.chunks.filter(isOpen)) / lengthOf(speech.chunks));
  show();
  await workInLanes(open, config.TRANSCRIBE_CONCURRENCY, async (chunk) => {
    signal.throwIfAborted();
    const answer = await ask(asking, chunk);
    await keepPaid(() => db.speechAnswers.add(question, chunk, answer), { signal, log });
    answers.set(rangeKey(chunk), answer);
    show();
  }).catch((error: unknown) => {
    if (error instanceof RemoteTroubleError) error.madeProgress = open.some((chunk) => !isOpen(chunk));
    throw error;
  });
  return speech.chunks.map((chunk) => ({ ...chunk, answer: answers.get(rangeKey(chunk)) ?? NOTHING }));
}

const NOTHING: TranscriptContent = { language: null, segments: [] };

const lengthOf = (chunks: readonly SpeechChunk[]): number =>
  chunks.reduce((sum, { startSec, endSec }) => sum + endSec - startSec, 0);

function questionOf({ speech, userId, options }: Asking): SpeechQuestion {
  const { model, language = null, prompt = null } = options;
  const rest = JSON.stringify({ language, prompt });
  const { sourceSha256, encoder } = speech;
  const optionsSha256 = createHash('sha256').update(rest).digest('hex');
  return { userId, sourceSha256, encoder, model, optionsSha256 };
}

async function ask({ speech, transcriber, options, signal }: Asking, chunk: SpeechChunk) {
  const bytes = await speech.read(chunk);
  const durationSec = chunk.endSec - chunk.startSec;
  const { contentType, extension } = speech;
  return transcriber.transcribe({ bytes, contentType, extension, durationSec, options }, signal);
}
