import { createSocket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';

export type DnsRecord = { type: 'A' | 'AAAA' | 'CNAME'; name?: string; value: string };

/** A name server of the test's own, and a resolver that asks it alone. */
export interface DnsServer {
  resolve(name: string): Promise<string[]>;
  questions: number;
  close(): Promise<void>;
}

const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;
const NAME_ERROR = 3;

/** Answers every question with what `answer` gives for the name, the type and the number of the question. */
export async function startDnsServer(
  answer: (name: string, type: 'A' | 'AAAA', count: number) => DnsRecord[],
): Promise<DnsServer> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const server: DnsServer = { questions: 0, resolve: async () => [], close: async () => void socket.close() };
  socket.on('message', (question, { port, address }) => {
    const { name, typeNumber, end } = readQuestion(question);
    const type = typeNumber === TYPES.AAAA ? 'AAAA' : 'A';
    if (type === 'A') server.questions += 1;
    const records = answer(name, type, server.questions);
    socket.send(toAnswer(question.subarray(0, end), records, name), port, address);
  });
  const resolver = new dns.Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  server.resolve = async (name) => {
    const none = () => [] as string[];
    const v4 = await resolver.resolve4(name).catch(none);
    return [...v4, ...(await resolver.resolve6(name).catch(none))];
  };
  return server;
}

function readQuestion(message: Buffer): { name: string; typeNumber: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), typeNumber: message.readUInt16BE(at + 1), end: at + 5 };
}

function toAnswer(question: Buffer, records: DnsRecord[], asked: string): Buffer {
  const head = Buffer.from(question);
  // An authoritative answer (RFC 1035, 4.1.1).
  head.writeUInt16BE(0x8580 | (records.length === 0 ? NAME_ERROR : 0), 2);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...records.map((record) => toRecord(record, asked))]);
}

function toRecord({ type, name, value }: DnsRecord, asked: string): Buffer {
  const data = type === 'CNAME' ? toName(value) : type === 'A' ? toV4(value) : toV6(value);
  const fields = Buffer.alloc(10);
  fields.writeUInt16BE(TYPES[type], 0);
  fields.writeUInt16BE(1, 2);
  // It may be forgotten at once, as rebinding has it.
  fields.writeUInt32BE(0, 4);
  fields.writeUInt16BE(data.length, 8);
  return Buffer.concat([toName(name ?? asked), fields, data]);
}

const toName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);

const toV4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

const toV6 = (address: string): Buffer => {
  const [left = '', right = ''] = address.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const zeros = Array(8 - groups(left).length - groups(right).length).fill('0');
  const all = [...groups(left), ...(address.includes('::') ? zeros : []), ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
};
