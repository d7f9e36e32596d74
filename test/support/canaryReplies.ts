import { answering, type HookBehaviour } from './fakes/hookTrouble.ts';

/** What a careless receiver says to a delivery, by the name in its address. */
export const REPLIES: Record<string, (dump: string) => HookBehaviour> = {
  error: (dump) => answering(500, { 'x-debug': dump }, dump),
  client: (dump) => answering(400, {}, dump),
  gone: (dump) => answering(410, {}, dump),
  redirect: (dump) => answering(302, { location: `http://10.0.0.1/?${encodeURIComponent(dump)}` }, dump),
  limited: (dump) => answering(429, { 'retry-after': dump }, dump),
  json: (dump) => ({ kind: 'answer', status: 503, body: { env: { SECRET: dump } } }),
  slashes: (dump) => answering(500, {}, JSON.stringify({ dump }).replaceAll('/', '\\/')),
  encoded: (dump) => answering(500, {}, `dump=${encodeURIComponent(dump)}`),
  page: (dump) => answering(500, {}, `<p>${dump.replace(/[^\w ]/g, (found) => `&#${found.charCodeAt(0)};`)}`),
  echo: () => ({ kind: 'echo', status: 500 }),
  well: (dump) => answering(200, {}, dump),
  cut: () => ({ kind: 'cut' }),
  drop: () => ({ kind: 'drop' }),
  hang: () => ({ kind: 'hang' }),
  stall: () => ({ kind: 'stall' }),
};
