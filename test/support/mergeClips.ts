import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MergeFit } from '../../src/domain/edit.ts';
import type { EditOutcome } from '../../src/media/index.ts';
import { type DecodedVideo, decodeFrames } from './frames.ts';
import { mediaUnderTest, quietWatch } from './mediaAdapter.ts';
import { makeMedia } from './mediaFixtures.ts';

interface Clip {
  size?: string;
  fps?: number;
  sec?: number;
  /** What the noise begins from; null for no sound. */
  seed?: number | null;
  rate?: number;
  extension?: string;
  args?: string[];
}

const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-g', '20'];

/** Makes small clips with moving pictures and noise, which two moments never share. */
export async function createClips() {
  const folder = await mkdtemp(join(tmpdir(), 'videoflow-clips-'));
  let made = 0;
  return {
    folder,
    async make({ size = '320x240', fps = 30, sec = 1, seed = 1, rate, extension, args }: Clip = {}) {
      const path = join(folder, `clip-${made++}.${extension ?? 'mp4'}`);
      const noise = `anoisesrc=seed=${seed}:duration=${sec}:sample_rate=${rate ?? 44_100}:amplitude=0.5`;
      await makeMedia(
        ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${fps}:d=${sec},hue=h=${(seed ?? 0) * 40}`],
        ...(seed === null ? [] : ['-f', 'lavfi', '-i', noise, '-c:a', 'aac']),
        ...[...X264, ...(args ?? []), path],
      );
      return path;
    },
    /** Copies a clip's streams into another file, with options. */
    async remake(from: string, args: string[], extension = 'mp4') {
      const path = join(folder, `clip-${made++}.${extension}`);
      await makeMedia('-i', from, '-map', '0', '-c', 'copy', ...args, path);
      return path;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export type Clips = Awaited<ReturnType<typeof createClips>>;

export interface Merged {
  path: string;
  outcome: EditOutcome;
  percents: number[];
  /** Lengths of the inputs, as probed. */
  lengthsSec: number[];
}

/** Merges as the workflow does: by copying if that goes, else by encoding. Checks what every result must be. */
export async function merge(clips: Clips, paths: string[], fit: MergeFit = 'contain'): Promise<Merged> {
  const { media } = mediaUnderTest();
  const folder = await mkdtemp(join(clips.folder, 'merged-'));
  const inputs = await Promise.all(
    paths.map(async (inputPath) => ({ inputPath, facts: await media.probe(inputPath, quietWatch()) })),
  );
  const watch = quietWatch();
  const path = join(folder, 'merged.mp4');
  const request = { inputs, outputPath: path, fit };
  const copied = await media.mergeByCopying(request, watch);
  if (!copied) assert.deepEqual(await readdir(folder), [], 'nothing is left of what came to nothing');
  const outcome = copied ?? (await media.mergeByEncoding(request, watch));
  assert.deepEqual(await readdir(folder), ['merged.mp4']);
  assert.ok(watch.percents.every((percent) => Number.isInteger(percent) && percent >= 0 && percent < 100));
  const facts = await media.probe(path, quietWatch());
  const lengthsSec = inputs.map(({ facts: { durationSec } }) => durationSec);
  const sum = lengthsSec.reduce((total, sec) => total + sec, 0);
  const frameSec = 1 / Math.min(...inputs.map(({ facts: { fps } }) => fps ?? 30));
  assert.ok(
    Math.abs(facts.durationSec - sum) <= frameSec * (paths.length - 1),
    `${facts.durationSec} s, not ${sum} s`,
  );
  assert.equal(facts.container, 'mp4');
  assert.equal(facts.isProgressive, true);
  assert.deepEqual([outcome.usedStartSec, outcome.usedEndSec], [null, null]);
  return { path, outcome, percents: watch.percents, lengthsSec };
}

/** Decodes a result; its times must rise and nothing may be complained about. */
export async function decode(path: string): Promise<DecodedVideo> {
  const decoded = await decodeFrames(path);
  assert.equal(decoded.complaints, '');
  for (const [at, { timeSec }] of decoded.frames.entries()) {
    assert.ok(at === 0 || timeSec > (decoded.frames[at - 1]?.timeSec ?? 0), `frame ${at} at ${timeSec} s`);
  }
  return decoded;
}

/** Decodes what a player shows: turned upright. */
export async function decodeTurned(path: string): Promise<DecodedVideo> {
  const turned = `${path}.turned.mkv`;
  await makeMedia('-i', path, '-an', '-fps_mode', 'passthrough', '-c:v', 'ffv1', turned);
  return decode(turned);
}

export const hashesOf = ({ frames }: DecodedVideo): string[] => frames.map(({ hash }) => hash);
