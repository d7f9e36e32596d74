type Content = Buffer | string | number[];

/** A box (ISO/IEC 14496-12, 4.2); numbers are 32 bits wide. */
function box(type: string, ...contents: Content[]): Buffer {
  const parts = contents.map((content) => {
    if (typeof content === 'string') return Buffer.from(content, 'latin1');
    if (Buffer.isBuffer(content)) return content;
    const bytes = Buffer.alloc(content.length * 4);
    for (const [at, value] of content.entries()) bytes.writeUInt32BE(value, at * 4);
    return bytes;
  });
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + parts.reduce((sum, { length }) => sum + length, 0));
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, ...parts]);
}

const zeros = (words: number): number[] => Array.from({ length: words }, () => 0);

/** An MP4 of one track of pictures with that many frames, all of one byte; none of them is there. */
export function crowdedMovie({ frames, timescale }: { frames: number; timescale: number }): Buffer {
  const stbl = box(
    'stbl',
    box('stsd', [0, 1], box('avc1', zeros(20))),
    box('stts', [0, 1, frames, 1]),
    box('stsz', [0, 0, frames], Buffer.alloc(frames * 4, Buffer.from([0, 0, 0, 1]))),
    box('stsc', [0, 1, 1, frames, 1]),
    box('stco', [0, 1, 0]),
  );
  const media = [
    box('mdhd', [0, 0, 0, timescale, frames, 0]),
    box('hdlr', [0, 0], 'vide', zeros(4)),
    box('minf', stbl),
  ];
  const trak = box('trak', box('tkhd', zeros(21)), box('mdia', ...media));
  return Buffer.concat([
    box('ftyp', 'isom', [0], 'isom'),
    box('moov', box('mvhd', [0, 0, 0, timescale, frames, ...zeros(20)]), trak),
  ]);
}
