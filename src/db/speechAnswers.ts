import { createHash } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { TimeRange } from '../domain/speech.ts';
import type { TranscriptContent } from '../domain/transcript.ts';
import { SpeechAnswer } from './entities/speechAnswer.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { storableJson } from './storableJson.ts';

/** All that decides what is answered about a chunk, but for its range. */
export interface SpeechQuestion {
  userId: string;
  sourceSha256: string;
  encoder: string;
  model: string;
  optionsSha256: string;
}

const QUESTION = ['user', 'sourceSha256', 'startMs', 'endMs', 'encoder', 'model', 'optionsSha256'] as const;

/** What transcribers answered; kept for its user alone, as long as the bytes it is about. */
export class SpeechAnswerQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Gives every answer to a question, by its range (see `rangeKey`). */
  async findAll({ userId, ...question }: SpeechQuestion): Promise<Map<string, TranscriptContent>> {
    const rows = await this.#em.find(SpeechAnswer, { user: userId, ...question });
    return new Map(rows.map(({ startMs, endMs, answer }) => [`${startMs}-${endMs}`, answer]));
  }

  /** Gives the answer about one range; null when there is none. */
  async find({ userId, ...question }: SpeechQuestion, range: TimeRange): Promise<TranscriptContent | null> {
    const row = await this.#em.findOne(SpeechAnswer, { user: userId, ...question, ...toMs(range) });
    return row?.answer ?? null;
  }

  /** Keeps an answer. Whoever comes second with the same question changes nothing. */
  async add(
    { userId, ...question }: SpeechQuestion,
    range: TimeRange,
    answer: TranscriptContent,
  ): Promise<void> {
    const row = {
      ...question,
      ...toMs(range),
      user: this.#em.getReference(User, userId),
      answer: storableJson(answer),
    };
    await this.#em.upsert(SpeechAnswer, row, {
      onConflictFields: [...QUESTION],
      onConflictAction: 'ignore',
    });
  }
}

const toMs = ({ startSec, endSec }: TimeRange) => ({
  startMs: Math.round(startSec * 1000),
  endMs: Math.round(endSec * 1000),
});

/** What tells the answers to one question apart. */
export function rangeKey(range: TimeRange): string {
  const { startMs, endMs } = toMs(range);
  return `${startMs}-${endMs}`;
}

/** What tells one question about one range from all others, of all users. */
export const claimKey = ({ userId, ...question }: SpeechQuestion, range: TimeRange): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        userId,
        question.sourceSha256,
        question.encoder,
        question.model,
        question.optionsSha256,
        rangeKey(range),
      ]),
    )
    .digest('hex');

/**
 * Forgets what was answered about the bytes of a video that is being removed, unless another of its user has them.
 * Call it in a transaction, before the row goes.
 */
export async function forgetAnswers(tx: EntityManager, { user, sourceSha256 }: Video): Promise<void> {
  if (!sourceSha256) return;
  const about = { user: user.id, sourceSha256 };
  if ((await tx.count(SpeechAnswer, about)) === 0) return;
  // Locked in one order: of two that go at once, the second sees that the first is gone.
  const lock = { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } } as const;
  const same = await tx.find(Video, about, { ...lock, fields: ['id'] });
  if (same.length <= 1) await tx.nativeDelete(SpeechAnswer, about);
}
