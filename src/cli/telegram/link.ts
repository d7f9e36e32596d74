import { z } from 'zod';
import { type Client, createClient } from '../client.ts';
import { ACCESS_OPTIONS, HELP_OPTION, type OptionSpecs, readCommandLine } from '../commandLine.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { UsageError } from '../failures.ts';
import { renderHelp } from '../help.ts';
import { pause, type Retrying, withRetries } from '../retrying.ts';
import type { Session } from '../session.ts';
import { findAccess } from '../settings.ts';
import { printable } from '../text.ts';

const OPTIONS = {
  json: { type: 'boolean', help: 'Write the offer, and then how it ended, as one line of JSON each' },
  ...ACCESS_OPTIONS,
  ...HELP_OPTION,
} as const satisfies OptionSpecs;

const PATIENCE_MS = 60_000;
const POLL_MS = 1000;

const offerShape = z.object({ code: z.string(), url: z.string(), expires_at: z.string() });
const stateShape = z.object({
  state: z.enum(['open', 'linked', 'expired']),
  chat: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

type LinkState = z.output<typeof stateShape>;

/** `videoflow telegram link` */
export async function linkCommand(args: string[], session: Session): Promise<ExitCode> {
  const { values, positionals } = readCommandLine(args, OPTIONS);
  const { stdout, stderr, signal, version } = session;
  if (values.help) {
    stdout.write(help());
    return EXIT.ok;
  }
  if (positionals.length > 0) throw new UsageError('telegram link takes options only; see --help');
  const client = createClient({ access: findAccess(values, session), version, signal });
  const retrying = { signal, patienceMs: PATIENCE_MS };
  const offer = await makeOffer(client, retrying);
  stdout.write(values.json ? `${JSON.stringify(offer)}\n` : invitation(offer));
  const end = await untilEnd(client, retrying, (message) => {
    stderr.write(`videoflow: ${printable(message)}\n`);
  });
  stdout.write(values.json ? `${JSON.stringify(end)}\n` : `${describe(end)}\n`);
  return end.state === 'linked' ? EXIT.ok : EXIT.someFailed;
}

async function makeOffer(client: Client, retrying: Retrying) {
  const answer = await withRetries(() => client.send('POST', '/v1/me/telegram/link'), retrying);
  const { success, data } = offerShape.safeParse(answer.body);
  if (!success) throw new UsageError(`${client.url} does not answer like videoflow; is the address right?`);
  return data;
}

/** Waits until somebody has sent the code, or nobody may any more; tells each new trouble once. */
async function untilEnd(
  client: Client,
  retrying: Retrying,
  warn: (message: string) => void,
): Promise<LinkState> {
  let told: string | null = null;
  for (;;) {
    const link = await withRetries(() => client.get('/v1/me/telegram/link', stateShape), retrying);
    if (link.state !== 'open') return link;
    if (link.error && link.error.code !== told) warn(link.error.message);
    told = link.error?.code ?? null;
    await pause(POLL_MS, retrying.signal);
  }
}

/** Bots see in groups only what is written to them by name (https://core.telegram.org/bots/features#privacy-mode). */
const nameIn = (url: string): string => URL.parse(url)?.pathname.slice(1) ?? '';

const invitation = ({ code, url, expires_at }: z.output<typeof offerShape>): string =>
  [
    'Open this address and press Start:',
    '',
    `  ${printable(url)}`,
    '',
    `Or write "/start@${printable(nameIn(url))} ${printable(code)}" in a group that the bot is in.`,
    `Waiting until ${printable(expires_at)} …`,
    '',
  ].join('\n');

const describe = ({ state, chat }: LinkState): string =>
  state === 'linked'
    ? `Linked: notices now go to chat ${printable(chat ?? '')}`
    : 'Nobody sent the code in time; begin again';

const help = (): string =>
  renderHelp({
    usage: ['videoflow telegram link [OPTIONS]'],
    summary:
      'Finds out which Telegram chat is yours, for notices: shows an address that opens the chat with the bot, and waits ' +
      'until you have pressed Start there. The server must have a bot configured.',
    options: OPTIONS,
    notes: [
      'Whoever opens the address gets your notices: it is good once, for ten minutes. The exit code is 1 when nobody did.',
    ],
  });
