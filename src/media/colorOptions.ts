/** The colours of a stream, by the words of ffprobe. */
export interface ProbedColors {
  range: string | null;
  primaries: string | null;
  transfer: string | null;
  space: string | null;
}

const named = (...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, name]));

/**
 * ffprobe's words, and those of the options of ffmpeg's encoders (libavutil/pixdesc.c beside
 * libavcodec/options_table.h), which are not the same everywhere: a word that the option does not know ends the
 * whole run. What is not here is left out: numbers nothing stands for (`reserved`), and `gbr`, which a picture in
 * 4:2:0 cannot be.
 */
const OPTIONS: Record<keyof ProbedColors, { option: string; values: Record<string, string> }> = {
  range: { option: '-color_range', values: named('tv', 'pc') },
  primaries: {
    option: '-color_primaries',
    values: {
      ...named('bt709', 'bt470m', 'bt470bg', 'smpte170m', 'smpte240m', 'film', 'bt2020'),
      ...named('smpte428', 'smpte431', 'smpte432', 'ebu3213'),
    },
  },
  transfer: {
    option: '-color_trc',
    values: {
      ...{ bt470m: 'gamma22', bt470bg: 'gamma28' },
      ...named('bt709', 'smpte170m', 'smpte240m', 'linear', 'log100', 'log316', 'iec61966-2-4', 'bt1361e'),
      ...named('iec61966-2-1', 'bt2020-10', 'bt2020-12', 'smpte2084', 'smpte428', 'arib-std-b67'),
    },
  },
  space: {
    option: '-colorspace',
    values: {
      ...named('bt709', 'fcc', 'bt470bg', 'smpte170m', 'smpte240m', 'ycgco', 'bt2020nc', 'bt2020c'),
      ...named('smpte2085', 'chroma-derived-nc', 'chroma-derived-c', 'ictcp'),
    },
  },
};

/** Gives the options that mark what is encoded with the colours of its source; nothing for what no option can say. */
export const colorOptions = (colors: ProbedColors): string[] =>
  (Object.keys(OPTIONS) as (keyof ProbedColors)[]).flatMap((part) => {
    const { option, values } = OPTIONS[part];
    const name = colors[part];
    return name !== null && Object.hasOwn(values, name) ? [option, values[name] as string] : [];
  });
