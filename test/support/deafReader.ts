import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';

/** A reader of events that takes nothing; what the systems between hold is all that leaves the server. */
export interface DeafReader {
  /** Begins to read; gives the ids of the events when so many are there. */
  readIds(count: number): Promise<number[]>;
  /** Settles when the connection is over; it is not noticed before there is nothing left to read. */
  close(): void;
}

export async function openDeaf(url: string, token: string, path = '/v1/events'): Promise<DeafReader> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  const request = get(url + path, { headers, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  request.on('error', () => undefined);
  if (response.statusCode !== 200) throw new Error(`the stream was answered ${response.statusCode}`);
  return {
    readIds: async (count) => {
      const ids: number[] = [];
      let rest = '';
      for await (const bytes of response) {
        const blocks = (rest + String(bytes)).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const [, id] = /^id: (\d+)\nevent: /m.exec(block) ?? [];
          if (id !== undefined) ids.push(Number(id));
        }
        if (ids.length >= count) break;
      }
      return ids;
    },
    close: () => request.destroy(),
  };
}
