import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { z } from 'zod';
import { type Config, loadConfig } from '../config.ts';
import { Refusal } from './refusal.ts';

export type Environment = Record<string, string | undefined>;

const port = z.coerce.number().int().min(1).max(65535).optional();

const localVariables = z.object({
  POSTGRES_PORT: port,
  TEMPORAL_PORT: port,
  TEMPORAL_UI_PORT: port,
  FIRST_USERNAME: z.string().default('admin'),
  FIRST_PASSWORD: z.string().optional(),
  TEMPORAL_UI_URL: z.url().optional(),
  SEED: z.coerce.number().int().optional(),
  XDG_CACHE_HOME: z.string().optional(),
});

/** What the one-machine stack reads besides the configuration of server and worker. */
export type LocalSettings = z.infer<typeof localVariables>;

/** The names of the variables that only the one-machine stack and the tests read. */
export const LOCAL_KEYS = Object.keys(localVariables.shape);

/** Gives the environment with what `.env` adds to it. A variable that is set, and not empty, wins over the file. */
export function readEnvironment(envFile: string, given: Environment): Environment {
  const fromFile = existsSync(envFile) ? parse(readFileSync(envFile)) : {};
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
  return { ...fromFile, ...set };
}

/**
 * Reads the settings of the one-machine stack.
 *
 * @throws Refusal naming each bad variable, without its value
 */
export function readLocalSettings(env: Environment): LocalSettings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = localVariables.safeParse(set);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Refusal(`The configuration cannot be used:\n${lines.join('\n')}`);
}

const PENDING_KEY = `pending:${Buffer.alloc(32).toString('base64')}`;

/**
 * Reads the configuration before the parts it names exist, so that a wrong variable is told at once and not after
 * minutes of set-up. What the stack provides later is filled with stand-ins.
 *
 * @throws ConfigError naming each bad variable
 */
export function previewConfig(env: Environment): Config {
  return loadConfig({
    ...env,
    DATABASE_URL: env.DATABASE_URL || 'postgres://pending',
    SIGNING_KEYS: env.SIGNING_KEYS || PENDING_KEY,
    ENCRYPTION_KEYS: env.ENCRYPTION_KEYS || PENDING_KEY,
  });
}
