import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { claimKey, rangeKey, type SpeechQuestion } from '../src/db/speechAnswers.ts';
import type { SpeechChunk } from '../src/domain/speech.ts';
import type { TranscriptContent, TranscriptOptions } from '../src/domain/transcript.ts';
import type { AnsweredChunk } from '../src/domain/transcriptJoin.ts';
import { RemoteTroubleError } from '../src/errors.ts';
import type { Transcriber } from '../src/transcriber/index.ts';
import { withClaim } from './chunkClaims.ts';
import type { ActivityDeps } from './index.ts';
import { keepPaid } from './keepPaid.ts';
import { workInLanes } from './lanes.ts';
import type { OpenSpeech } from './speech.ts';
import type { InTurn } from './turns.ts';

export interface Asking {
  speech: OpenSpeech;
  userId: string;
  transcriber: Transcriber;
  options: TranscriptOptions & { model: string };
  signal: AbortSignal;
  /** Takes which share of the sound is answered, from 0 to 1. */
  onShare(share: number): void;
  /** Is told that something was answered and kept. */
  noteProgress(): void;
}

type AnswerDeps = Pick<ActivityDeps, 'db' | 'config' | 'log'> & { inTurn: InTurn };

/** How often it is looked whether another one has been answered what it asks. */
const LOOK_AGAIN_MS = 2000;

/**
 * Has every chunk transcribed whose answer is not stored, and stores each answer at once: it is paid for. What somebody
 * else is asking at the moment, about the same bytes, comes last and is waited for.
 *
 * @throws as the transcriber, saying whether anything was answered before; the cancellation
 */
export async function answerChunks(deps: AnswerDeps, asking: Asking): Promise<AnsweredChunk[]> {
  const { speech, signal } = asking;
  const question = questionOf(asking);
  const answers = await deps.db.speechAnswers.findAll(question);
  const listOpen = () => speech.chunks.filter((chunk) => !answers.has(rangeKey(chunk)));
  const show = () => asking.onShare(1 - lengthOf(listOpen()) / (lengthOf(speech.chunks) || 1));
  show();
  let hasFailed = false;
  let open = listOpen();
  while (open.length > 0) {
    await workInLanes(open, deps.config.TRANSCRIBE_CONCURRENCY, async (chunk) => {
      const work = async () => (hasFailed ? null : settle(deps, { asking, question, chunk }));
      const answer = await deps.inTurn(work, signal).catch((error: unknown) => {
        // Those that wait for their turn are not begun.
        hasFailed = true;
        throw error;
      });
      if (answer) answers.set(rangeKey(chunk), answer);
      show();
    }).catch((error: unknown) => {
      if (error instanceof RemoteTroubleError) error.madeProgress = listOpen().length < open.length;
      throw error;
    });
    open = listOpen();
    if (open.length > 0) await delay(LOOK_AGAIN_MS, undefined, { signal });
  }
  return speech.chunks.map((chunk) => ({ ...chunk, answer: answers.get(rangeKey(chunk)) ?? NOTHING }));
}

interface OneChunk {
  asking: Asking;
  question: SpeechQuestion;
  chunk: SpeechChunk;
}

/** Gives the answer about a chunk, asked for where it was not stored meanwhile; null while another one asks. */
function settle(
  { db, log }: AnswerDeps,
  { asking, question, chunk }: OneChunk,
): Promise<TranscriptContent | null> {
  const { signal } = asking;
  return withClaim({ db, log }, claimKey(question, chunk), async () => {
    const stored = await db.speechAnswers.find(question, chunk);
    if (stored) return stored;
    const answer = await ask(asking, chunk);
    await keepPaid(() => db.speechAnswers.add(question, chunk, answer), { signal, log });
    asking.noteProgress();
    return answer;
  });
}

const NOTHING: TranscriptContent = { language: null, segments: [] };

const lengthOf = (chunks: readonly SpeechChunk[]): number =>
  chunks.reduce((sum, { startSec, endSec }) => sum + endSec - startSec, 0);

function questionOf({ speech, userId, transcriber, options }: Asking): SpeechQuestion {
  const { model, language = null, prompt = null } = transcriber.heededOf(options);
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
