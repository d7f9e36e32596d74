import { type CaptionRequest, type CaptionWriter, createCaptionWriter } from '../../src/captions/index.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import type { Fakes } from './fakes/server.ts';

const KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
export const NOTHING: CaptionRequest = { prompt: null, transcript: null, platform: null, model: null };
export const UNENDING = new AbortController().signal;

/** The adapter at a fake, with every line that it logs. */
export function captionsAt(fakes: Fakes) {
  const config: Config = loadConfig({
    ...{ DATABASE_URL: 'postgres://x', SIGNING_KEYS: KEYS, ENCRYPTION_KEYS: KEYS },
    ...{ CAPTIONS_BASE_URL: fakes.baseUrl, OPENROUTER_API_KEY: fakes.apiKey },
  });
  const lines: string[] = [];
  const log = createLog(
    { level: 'trace', program: 'test' },
    { write: (line: string) => void lines.push(line) },
  );
  function writerAt(baseUrl: string): CaptionWriter {
    const made = createCaptionWriter({ config: { ...config, CAPTIONS_BASE_URL: baseUrl }, log });
    if (!made) throw new Error('no writer of captions is configured');
    return made;
  }
  const writer = writerAt(fakes.baseUrl);
  return {
    ...{ config, lines, writerAt },
    write: (request: Partial<CaptionRequest>, signal = UNENDING) =>
      writer.write({ ...NOTHING, ...request }, signal),
  };
}
