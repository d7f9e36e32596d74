import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { runAdminStatement, withDatabase } from '../../src/local/templateDatabase.ts';

function readVariable(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run tests with "npm test -- <files>", it starts the stack`);
  return value;
}

/** The run's Temporal server: real, with our search attributes, shared by all test files. */
export const temporalAddress = (): string => readVariable('TEMPORAL_ADDRESS');

/** A name nobody else uses, for databases, queues, users, workflow ids. */
export const uniqueName = (prefix = 'x'): string => `${prefix}_${randomBytes(6).toString('hex')}`;

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** Gives a fresh, migrated, empty database, cloned from the run's template; drop it in `after`. */
export async function testDatabase(): Promise<TestDatabase> {
  const adminUrl = readVariable('DATABASE_URL');
  const name = uniqueName('vf_test');
  await runAdminStatement(
    adminUrl,
    `CREATE DATABASE ${name} TEMPLATE ${readVariable('TEST_TEMPLATE_DATABASE')}`,
  );
  return {
    url: withDatabase(adminUrl, name),
    drop: () => runAdminStatement(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/**
 * Asks until the answer is neither undefined, null nor false, and gives it. What the question throws counts as
 * "not yet" and is told when the time is up.
 */
export async function waitFor<T>(
  ask: () => Promise<T> | T,
  { what, timeoutMs = 10_000, everyMs = 50 }: { what: string; timeoutMs?: number; everyMs?: number },
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = Date.now() + timeoutMs;
  let trouble: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) {
        return answer as Exclude<T, undefined | null | false>;
      }
      trouble = undefined;
    } catch (error) {
      trouble = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`, trouble ? { cause: trouble } : {});
    }
    await delay(everyMs);
  }
}

/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(count: number): Buffer;
}

/** Marks what a test starts with an environment of its own: when the run is given up, it is ended by that. */
export const runMark = (): Record<string, string> => {
  const folder = process.env.TEST_RUN_DIR;
  return folder ? { TEST_RUN_DIR: folder } : {};
};

/** The seed of this run, which `npm test` prints; SEED=… repeats it. */
export const seed = (): number => Number(process.env.SEED ?? 1);

/** Makes a stream of numbers of its own from the run's seed and a name, so that files do not disturb each other. */
export function seededRandom(name: string, from = seed()): Random {
  let state = [...name].reduce((sum, letter) => Math.imul(sum, 31) + (letter.codePointAt(0) ?? 0), from | 0);
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    pick: (items) => items[int(0, items.length - 1)] as (typeof items)[number],
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => int(0, 255))),
  };
}
