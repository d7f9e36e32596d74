/** Containers by our names, as far as the first bytes tell. */
export type SniffedContainer =
  | 'isobmff'
  | 'ebml'
  | 'avi'
  | 'flv'
  | 'asf'
  | 'ogg'
  | 'mpegts'
  | 'mpeg'
  | 'wav'
  | 'mp3'
  | 'flac'
  | 'aac';

/** Those that hold no picture. */
export const SOUND_CONTAINERS: ReadonlySet<SniffedContainer> = new Set(['wav', 'mp3', 'flac', 'aac']);

/** Enough for three packets of a transport stream with time codes. */
export const SNIFF_BYTES = 600;

const ISOBMFF_BOXES = ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot', 'styp'];
const TS_PACKETS = [
  { first: 0, length: 188 },
  { first: 4, length: 192 },
];

const ascii = (bytes: Buffer, at: number, text: string) =>
  bytes.toString('latin1', at, at + text.length) === text;
const hex = (bytes: Buffer, text: string) => bytes.toString('hex', 0, text.length / 2) === text;

/** In order: the first that matches. The signatures are those of the containers' specifications. */
const SIGNATURES: ReadonlyArray<[SniffedContainer, (bytes: Buffer) => boolean]> = [
  ['isobmff', (bytes) => ISOBMFF_BOXES.some((type) => ascii(bytes, 4, type))],
  ['ebml', (bytes) => hex(bytes, '1a45dfa3')],
  ['avi', (bytes) => ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'AVI')],
  ['wav', (bytes) => ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'WAVE')],
  ['flv', (bytes) => ascii(bytes, 0, 'FLV\x01')],
  ['asf', (bytes) => hex(bytes, '3026b2758e66cf11')],
  ['ogg', (bytes) => ascii(bytes, 0, 'OggS')],
  ['flac', (bytes) => ascii(bytes, 0, 'fLaC')],
  ['mp3', (bytes) => ascii(bytes, 0, 'ID3')],
  ['mpeg', (bytes) => hex(bytes, '000001ba') || hex(bytes, '000001b3')],
  [
    'mpegts',
    (bytes) =>
      TS_PACKETS.some(({ first, length }) =>
        [0, 1, 2].every((packet) => bytes[first + packet * length] === 0x47),
      ),
  ],
  ['aac', (bytes) => bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xf6) === 0xf0],
  ['mp3', (bytes) => bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0],
];

/** Names the container that a file's first bytes claim; null when it is none that we accept. */
export function sniffContainer(head: Buffer): SniffedContainer | null {
  return SIGNATURES.find(([, matches]) => matches(head))?.[0] ?? null;
}
