import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { KEY_PATTERN, KEY_RULE } from './domain/credentials.ts';
import { QUEUES } from './domain/queues.ts';

const cores = availableParallelism();

const seconds = (fallback: number) => z.coerce.number().positive().default(fallback);
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const port = (fallback: number) => z.coerce.number().int().min(0).max(65535).default(fallback);
const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0'])
    .default(fallback ? 'true' : 'false')
    .transform((v) => v === 'true' || v === '1');
/** One that no header can hold would be taken for one that is refused, by each account that uses it. */
const headerKey = z.string().trim().regex(KEY_PATTERN, `expected ${KEY_RULE}`);
/** Paths are put behind it. */
const baseAddress = () =>
  z
    .url({ protocol: /^https?$/, error: 'expected an address with http:// or https://' })
    .refine((address) => !/[?#]/.test(address), 'expected an address without ? and #');
const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((v) =>
      v
        .split(',')
        .map((s) => s.trim())
        .filter(Boolean),
    );

/** The widest inner networks, 10.0.0.0/8 and fc00::/7: one that is wider would be a switch that turns the guard off. */
const MIN_PREFIX_BITS = { ipv4: 8, ipv6: 7 };

const isInnerNetwork = (cidr: string): boolean => {
  if (!ipaddr.isValidCIDR(cidr)) return false;
  const [address, bits] = ipaddr.parseCIDR(cidr);
  return bits >= MIN_PREFIX_BITS[address.kind()];
};

/** One key of a key ring: `id:base64`, 32 bytes. The first of a list signs or encrypts, all verify or decrypt. */
export interface RingKey {
  id: string;
  bytes: Buffer;
}

const keyRing = z.string().transform((text, context): RingKey[] => {
  const keys = text.split(',').map((entry) => {
    const [id = '', encoded = ''] = entry.trim().split(':');
    return { id, bytes: Buffer.from(encoded, 'base64') };
  });
  if (
    keys.length === 0 ||
    keys.some((key) => !/^[a-z0-9_-]{1,16}$/i.test(key.id) || key.bytes.length !== 32)
  ) {
    context.addIssue({
      code: 'custom',
      message: 'expected id:base64 of 32 bytes, several separated by commas',
    });
    return z.NEVER;
  }
  return keys;
});

/** Makes one `id:base64` key for a key ring. */
export const makeRingKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;

const environment = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),

  HOST: z.string().default('127.0.0.1'),
  PORT: port(8000),
  PUBLIC_URL: baseAddress().optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
  METRICS_PORT: port(9464),
  WORKER_METRICS_PORT: port(9465),
  CORS_ORIGINS: list(''),
  RATE_LIMIT_PER_MINUTE: count(1200),
  LOGIN_LIMIT_PER_MINUTE: count(10),
  TRUST_PROXY: flag(false),

  DATA_DIR: z.string().default('.data'),
  STORAGE_DIR: z.string().optional(),
  SCRATCH_DIR: z.string().optional(),
  MIN_FREE_BYTES: count(256 * 1024 * 1024),
  STORAGE_DRIVER: z.enum(['local', 's3']).default('local'),
  S3_ENDPOINT: baseAddress().optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_BUCKET: z.string().min(3).optional(),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  CACHE_DIR: z.string().optional(),
  CACHE_MAX_BYTES: count(20 * 1024 ** 3),

  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'expected a postgres:// address'),
  DATABASE_POOL_MAX: count(10),

  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/]+:\d+$/, 'expected host:port')
    .default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_RETENTION_DAYS: count(30),

  SIGNING_KEYS: keyRing,
  ENCRYPTION_KEYS: keyRing,

  MAX_UPLOAD_BYTES: count(10 * 1024 ** 3),
  UPLOAD_EXPIRY_SEC: seconds(24 * 3600),
  MAX_OPEN_UPLOADS: count(100),
  QUOTA_BYTES: count(1024 ** 4),
  MAX_PICTURES_PER_VIDEO: count(100),
  INGEST_MAX_SEC: seconds(4 * 3600),
  INGEST_MIN_BYTES_PER_SEC: count(10 * 1024),
  EGRESS_ALLOW_CIDRS: list('').refine(
    (cidrs) => cidrs.every(isInnerNetwork),
    'expected networks such as 10.1.0.0/16, not wider than /8 (IPv4) or /7 (IPv6)',
  ),
  HOUSEKEEPING_INTERVAL_SEC: seconds(3600),
  MAX_DURATION_SEC: seconds(6 * 3600),
  MAX_WIDTH: count(8192),
  MAX_HEIGHT: count(8192),

  WORKER_QUEUES: z
    .string()
    .default(QUEUES.join(','))
    .transform((v) => v.split(',').map((s) => s.trim()))
    .pipe(z.array(z.enum(QUEUES)).min(1)),
  WORKFLOW_BUNDLE: z.string().optional(),
  WORKFLOW_SLOTS: count(40),
  MEDIA_SLOTS: count(cores),
  ENCODE_SLOTS: count(Math.max(1, cores - 1)),
  NET_SLOTS: count(20),
  SPEECH_SLOTS: count(4),
  NOTIFY_SLOTS: count(500),
  PUBLISH_SLOTS: count(50),
  MAX_CACHED_WORKFLOWS: count(500),
  SHUTDOWN_GRACE_SEC: seconds(60),
  RECONCILE_INTERVAL_SEC: seconds(15),

  OPENAI_BASE_URL: baseAddress().default('https://api.openai.com/v1'),
  OPENAI_API_KEY: z.string().optional(),
  TRANSCRIBE_MODEL: z.string().min(1).default('whisper-1'),
  TRANSCRIBE_CONCURRENCY: count(4),
  CAPTIONS_BASE_URL: baseAddress().default('https://openrouter.ai/api/v1'),
  OPENROUTER_API_KEY: z.string().optional(),
  CAPTIONS_MODEL: z.string().min(1).default('openrouter/auto'),

  EVENTS_RETENTION_DAYS: count(30),
  EVENT_STREAMS_MAX: count(5000),
  EVENT_HEARTBEAT_SEC: seconds(15),
  MAX_WEBHOOKS: count(100),
  // A ping is given up by the engine after two minutes.
  WEBHOOK_TIMEOUT_SEC: z.coerce.number().positive().max(60).default(15),
  WEBHOOK_RETRY_SEC: list('5,300,1800,7200,18000,36000,50400,72000,86400')
    .transform((waits) => waits.map(Number))
    .pipe(z.array(z.number().positive()).min(1)),
  WEBHOOK_DISABLE_AFTER_SEC: seconds(5 * 24 * 3600),
  TELEGRAM_BASE_URL: baseAddress().default('https://api.telegram.org'),
  TELEGRAM_BOT_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]+$/, 'expected a token as the BotFather gives it')
    .optional(),

  MAX_ACCOUNTS: count(1000),
  SLOT_LEAD_SEC: z.coerce.number().min(0).default(300),
  // Posts that are farther ahead nobody can plan by hand either.
  SLOT_HORIZON_DAYS: z.coerce.number().int().min(1).max(365).default(90),
  UPLOAD_POST_BASE_URL: baseAddress().default('https://api.upload-post.com/api'),
  UPLOAD_POST_API_KEY: headerKey.optional(),
  FLIC_BASE_URL: baseAddress().default('https://api.socialverseapp.com'),
  FLIC_TOKEN: headerKey.optional(),
  SERVICE_CREDENTIALS_USERS: list('').transform((names) => names.map((name) => name.toLowerCase())),

  FFMPEG_PATH: z.string().default('ffmpeg'),
  FFPROBE_PATH: z.string().default('ffprobe'),
});

/** The names of all variables of the configuration. */
export const CONFIG_KEYS = Object.keys(environment.shape);

export type Config = z.infer<typeof environment> & {
  PUBLIC_URL: string;
  STORAGE_DIR: string;
  SCRATCH_DIR: string;
  CACHE_DIR: string;
  /** Null: bytes live in STORAGE_DIR. */
  S3: S3Config | null;
};

/** The bucket that holds everything. */
export interface S3Config {
  /** Undefined: AWS itself. */
  endpoint: string | undefined;
  region: string;
  bucket: string;
  /** Undefined: wherever the AWS SDK finds some. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
}

/** What is wrong with the environment, variable by variable; never the values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const UNUSABLE = 'The configuration cannot be used:';

/** @throws ConfigError naming what is missing */
function readS3(env: z.infer<typeof environment>): S3Config | null {
  if (env.STORAGE_DRIVER !== 's3') return null;
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!bucket)
    throw new ConfigError(`${UNUSABLE}\n  S3_BUCKET: STORAGE_DRIVER=s3 needs the name of a bucket`);
  if (Boolean(accessKeyId) !== Boolean(secretAccessKey)) {
    const absent = accessKeyId ? 'S3_SECRET_ACCESS_KEY' : 'S3_ACCESS_KEY_ID';
    throw new ConfigError(`${UNUSABLE}\n  ${absent}: an access key and its secret are set together`);
  }
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
  return { endpoint: env.S3_ENDPOINT, region: env.S3_REGION, bucket, credentials };
}

/** The host that users reach: the one listened on, where that is a particular one; IPv6 in brackets (RFC 3986, 3.2.2). */
const reachableHost = (host: string): string => {
  if (['0.0.0.0', '::', '127.0.0.1'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
};

/**
 * Reads the configuration from the environment. The only reader of `process.env` besides the local
 * stack, which passes it on.
 *
 * @throws ConfigError naming each bad variable, without its value
 */
export function loadConfig(source: Record<string, string | undefined> = process.env): Config {
  // An empty variable, as compose files and .env templates leave them, means "not set".
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`${UNUSABLE}\n${lines.join('\n')}`);
  }
  const env = parsed.data;
  const dataDir = resolve(env.DATA_DIR);
  return {
    ...env,
    DATA_DIR: dataDir,
    PUBLIC_URL: (env.PUBLIC_URL ?? `http://${reachableHost(env.HOST)}:${env.PORT}`).replace(/\/+$/, ''),
    STORAGE_DIR: resolve(env.STORAGE_DIR ?? `${dataDir}/storage`),
    SCRATCH_DIR: resolve(env.SCRATCH_DIR ?? `${dataDir}/scratch`),
    CACHE_DIR: resolve(env.CACHE_DIR ?? `${dataDir}/cache`),
    S3: readS3(env),
  };
}
