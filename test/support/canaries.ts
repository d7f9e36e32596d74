import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { dumpDatabase } from './databaseDump.ts';
import { allHistories } from './historyText.ts';
import { createLeakFinder, type Leak, type Secret } from './leaks.ts';

/** A place where a secret may be read, and why that is right. */
export interface Permit {
  secret: string;
  place: RegExp;
  because: string;
}

/** A secret that stands for nothing: letters and digits, found in whatever it turns up. */
export const makeCanary = (length = 32): string => randomBytes(length).toString('base64url').slice(0, length);

/** Remembers secrets and every text that somebody could read, until it is asked which was in which. */
export class Watch {
  readonly secrets: Secret[] = [];
  private readonly texts: { place: string; text: string }[] = [];

  add(name: string, text: string, more: Omit<Secret, 'name' | 'text'> = {}): string {
    this.secrets.push({ name, text, ...more });
    return text;
  }

  see(place: string, text: string): void {
    this.texts.push({ place, text });
  }

  /** How much was seen in places of a kind, in characters: nothing was looked for where nothing was. */
  seen(place: RegExp): number {
    return this.texts.reduce((sum, each) => sum + (place.test(each.place) ? each.text.length : 0), 0);
  }

  /** In which forms something else is found in places of a kind, that is no secret: what shows that looking finds. */
  formsOf(text: string, place: RegExp): string[] {
    const finder = createLeakFinder([{ name: 'no secret', text }]);
    const seen = this.texts.filter((each) => place.test(each.place));
    return [...new Set(seen.flatMap((each) => finder.find(each.place, each.text)).map(({ form }) => form))];
  }

  /** What was read where it must not be, in places of a kind. */
  leaks(place: RegExp, permits: readonly Permit[]): Leak[] {
    return this.all(place).filter((leak) => !permits.some((permit) => covers(permit, leak)));
  }

  /** Permits that nothing needs: what they allow does not happen, or is not found. */
  idle(permits: readonly Permit[]): Permit[] {
    const found = this.all(/./);
    return permits.filter((permit) => !found.some((leak) => covers(permit, leak)));
  }

  private all(place: RegExp): Leak[] {
    const finder = createLeakFinder(this.secrets);
    return this.texts.flatMap((each) => (place.test(each.place) ? finder.find(each.place, each.text) : []));
  }
}

const covers = ({ secret, place }: Permit, leak: Leak): boolean =>
  secret === leak.secret && place.test(leak.place);

/** Longer than the API waits for its workers. */
const LATE_MS = 40_000;

/** Asks as `fetch` does, and has the watch see the whole answer. */
export async function askSeen(watch: Watch, url: string, init: RequestInit = {}) {
  const asked = `${init.method ?? 'GET'} ${new URL(url).pathname.replace(/[0-9a-f-]{36}/g, ':id')}`;
  const signal = AbortSignal.timeout(LATE_MS);
  const response = await fetch(url, { redirect: 'manual', signal, ...init }).catch((cause: unknown) => {
    throw new Error(`${asked} was not answered`, { cause });
  });
  const text = await response.text();
  const place = `answer ${response.status} to ${asked}`;
  watch.see(place, `${JSON.stringify([...response.headers])}\n${text}`);
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}

/** Has the watch see every row of every table. */
export async function seeDatabase(watch: Watch, databaseUrl: string): Promise<void> {
  for (const [table, text] of await dumpDatabase(databaseUrl)) watch.see(`table ${table}`, text);
}

/** Has the watch see every run that the engine knows of. */
export async function seeHistories(watch: Watch, client: Client): Promise<void> {
  for (const [run, text] of await allHistories(client)) watch.see(`history ${run}`, text);
}
