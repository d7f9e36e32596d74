import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TelegramWorld } from './telegram.ts';

/**
 * For a person at a terminal: shows the messages of the bot, and takes what somebody writes to it.
 *
 * @returns whether it was a request for this part
 */
export async function serveChats(
  world: TelegramWorld,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { pathname } = new URL(request.url ?? '/', 'http://fake');
  const [, chat] = /^\/fakes\/chats(?:\/(-?\d+))?$/.exec(pathname) ?? [null, undefined];
  if (!pathname.startsWith('/fakes/chats')) return false;
  if (request.method === 'POST' && chat) world.write(Number(chat), await text(request));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(chat ? world.shownIn(chat) : world.messages, null, 2)}\n`);
  return true;
}
