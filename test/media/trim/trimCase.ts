import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrimMode } from '../../../src/domain/edit.ts';
import type { MediaFacts } from '../../../src/domain/media.ts';
import type { EditOutcome } from '../../../src/media/index.ts';
import {
  countPackets,
  type DecodedVideo,
  decodeFrames,
  decodeSound,
  type Frame,
  psnrDb,
  soundOffsetSec,
} from '../../support/frames.ts';
import { type FramesInput, framesInput } from '../../support/framesInputs.ts';
import { mediaUnderTest, quietWatch, withFolder } from '../../support/mediaAdapter.ts';
import { keyframeTimes } from '../../support/pictures.ts';

/** A video to cut from, decoded once. */
export interface Source {
  name: FramesInput;
  path: string;
  facts: MediaFacts;
  video: DecodedVideo;
  sounds: Float32Array[];
  /** In seconds from where a player begins. */
  keyframesSec: number[];
}

const { media } = mediaUnderTest();

export async function openSource(name: FramesInput): Promise<Source> {
  const path = await framesInput(name);
  const facts = await media.probe(path, quietWatch());
  const video = await decodeFrames(path);
  const tracks = facts.streams.filter(({ type }) => type === 'audio').length;
  const sounds = await Promise.all(Array.from({ length: tracks }, (_, at) => decodeSound(path, at)));
  const keyframes = await keyframeTimes(path);
  const firstFrameSec = video.frames[0]?.timeSec ?? 0;
  const keyframesSec = keyframes.map((time) => time - (keyframes[0] ?? 0) + firstFrameSec);
  return { name, path, facts, video, sounds, keyframesSec };
}

export interface Cut {
  startSec: number;
  endSec: number;
  mode?: TrimMode;
}

export interface Trimmed {
  outcome: EditOutcome;
  wasCopied: boolean;
  path: string;
  facts: MediaFacts;
  video: DecodedVideo;
  percents: number[];
}

/** Trims as the workflow does: by copying, and by encoding where that gives nothing. */
export async function trim(
  source: Source,
  { startSec, endSec, mode = 'exact' }: Cut,
  folder: string,
): Promise<Trimmed> {
  const outputPath = join(folder, 'result.mp4');
  const request = { inputPath: source.path, outputPath, facts: source.facts, startSec, endSec, mode };
  const watch = quietWatch();
  const copied = await media.trimByCopying(request, watch);
  if (!copied) assert.deepEqual(await readdir(folder), [], 'something was left by the copying that failed');
  const outcome = copied ?? (await media.trimByEncoding(request, watch));
  assert.deepEqual(await readdir(folder), ['result.mp4']);
  const facts = await media.probe(outputPath, quietWatch());
  const video = await decodeFrames(outputPath);
  return { outcome, wasCopied: copied !== null, path: outputPath, facts, video, percents: watch.percents };
}

const ROUNDING_SEC = 5e-7;

/** The source's frames a range should show. */
export const framesWithin = ({ video }: Source, { startSec, endSec }: Cut): number[] =>
  [...video.frames.keys()].filter((at) => {
    const time = (video.frames[at] as Frame).timeSec;
    return time >= startSec - ROUNDING_SEC && time < endSec - ROUNDING_SEC;
  });

/** Makes sure that a result shows these frames of the source, each at its time; gives which are the very same. */
export function assertFrames(source: Source, { video, path: _ }: Trimmed, wanted: number[]): boolean[] {
  const { frames } = source.video;
  assert.equal(video.complaints, '', 'the decoder complains');
  assert.equal(video.frames.length, wanted.length, 'another number of frames');
  const beginSec = (frames[wanted[0] as number] as Frame).timeSec;
  return video.frames.map((frame, place) => {
    const at = wanted[place] as number;
    const own = frames[at] as Frame;
    const offset = Math.abs(frame.timeSec - (own.timeSec - beginSec));
    assert.ok(offset < 0.0011, `frame ${place} is shown ${offset} s off`);
    if (frame.hash === own.hash) return true;
    const likeness = psnrDb(frame, own, video);
    assert.ok(likeness > 40, `frame ${place} has ${likeness} dB`);
    for (const neighbour of [frames[at - 1], frames[at + 1]]) {
      const other = neighbour ? psnrDb(frame, neighbour, video) : 0;
      assert.ok(
        other < likeness,
        `frame ${place} is more like its neighbour: ${other} against ${likeness} dB`,
      );
    }
    return false;
  });
}

/** The wanted frames that stand in groups which lie wholly within the range, by their place in the result. */
export function inWholeGroups(source: Source, wanted: number[]): Set<number> {
  const { frames } = source.video;
  const endSec = frames[(wanted.at(-1) as number) + 1]?.timeSec ?? Number.POSITIVE_INFINITY;
  const beginSec = (frames[wanted[0] as number] as Frame).timeSec;
  const bounds = [...source.keyframesSec, Number.POSITIVE_INFINITY];
  const places = new Set<number>();
  for (let group = 0; group + 1 < bounds.length; group++) {
    const [from, to] = [bounds[group] as number, bounds[group + 1] as number];
    if (from < beginSec - 0.001 || to > endSec + 0.001) continue;
    for (const [place, at] of wanted.entries()) {
      const time = (frames[at] as Frame).timeSec;
      if (time >= from - 0.001 && time < to - 0.001) places.add(place);
    }
  }
  return places;
}

const AUDIO_FRAME_SAMPLES = 1152;

/** Makes sure that every sound track is there, in its place and language, and as long as the picture. */
export async function assertSounds(source: Source, result: Trimmed, beginSec: number): Promise<void> {
  const [before, after] = [source, result].map(({ facts }) =>
    facts.streams.filter(({ type }) => type === 'audio'),
  ) as [MediaFacts['streams'], MediaFacts['streams']];
  assert.deepEqual(
    after.map(({ language }) => language),
    before.map(({ language }) => language),
  );
  const pictureSec = result.facts.streams.find(({ type }) => type === 'video')?.durationSec ?? 0;
  for (const [track, whole] of source.sounds.entries()) {
    const oneFrameSec = AUDIO_FRAME_SAMPLES / (after[track]?.sampleRate ?? 44_100);
    const offset = soundOffsetSec(whole, await decodeSound(result.path, track), beginSec);
    assert.ok(Math.abs(offset) < oneFrameSec, `track ${track} is ${offset} s off`);
    const missing = pictureSec - (after[track]?.durationSec ?? 0);
    // The source's own sound may end before its picture does.
    const sourceMissing = Math.max(0, source.facts.durationSec - (before[track]?.durationSec ?? 0));
    assert.ok(Math.abs(missing) < oneFrameSec + sourceMissing, `track ${track} is ${missing} s shorter`);
  }
}

const DESCRIBED = ['colorRange', 'colorSpace', 'colorTransfer', 'colorPrimaries', 'pixelAspect'] as const;

/** Makes sure that the result is described as the source is, and hides nothing. */
export async function assertDescribed(source: Source, result: Trimmed): Promise<void> {
  const [before, after] = [source.facts, result.facts];
  assert.deepEqual([after.width, after.height], [before.width, before.height]);
  assert.equal(after.rotation, before.rotation);
  assert.equal(after.isProgressive, true);
  for (const fact of DESCRIBED) {
    const [was, is] = [before, after].map(
      ({ streams, videoStreamIndex }) => streams[videoStreamIndex]?.[fact],
    );
    if (was !== null) assert.equal(is, was, fact);
  }
  assert.equal(await countPackets(result.path), result.video.frames.length, 'frames are hidden in the file');
  for (let at = 1; at < result.percents.length; at++) {
    assert.ok((result.percents[at] ?? 0) <= 99 && Number.isInteger(result.percents[at]));
  }
}

/** Cuts and looks at everything; gives the method and which frames are the very same. */
export function tryCut(source: Source, cut: Cut) {
  return withFolder(async (folder) => {
    const result = await trim(source, cut, folder);
    const wanted = framesWithin(source, cut);
    const same = assertFrames(source, result, wanted);
    const beginSec = (source.video.frames[wanted[0] as number] as Frame).timeSec;
    assert.ok(Math.abs((result.outcome.usedStartSec ?? -1) - beginSec) < 0.001, 'another start is told');
    await assertSounds(source, result, beginSec);
    await assertDescribed(source, result);
    return { method: result.outcome.method, same, wanted, result };
  });
}
