import assert from 'node:assert/strict';
import { carryOver, type SpokenPart } from '../../src/domain/carriedTranscript.ts';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';

const said = (text: string, startSec: number, endSec: number, more: object = {}): TranscriptSegment => ({
  ...{ startSec, endSec, text },
  ...more,
});
const part = (segments: TranscriptSegment[], more: object = {}): SpokenPart => ({
  ...{ videoId: 'one', durationSec: 20 },
  transcript: { kind: 'machine', language: 'en', model: 'whisper-1', segments, ...more },
});
const trim = (segments: TranscriptSegment[], usedStartSec: number, usedEndSec: number) =>
  carryOver([part(segments)], {
    ...{ usedStartSec, usedEndSec, startsSec: null },
    durationSec: usedEndSec - usedStartSec,
  }).segments;
const merge = (parts: SpokenPart[], startsSec: number[], durationSec: number) =>
  carryOver(parts, { usedStartSec: null, usedEndSec: null, startsSec, durationSec });

describe('carrying transcripts over', () => {
  describe('through a trim', () => {
    it('moves what is in the range, and leaves out what is not', () => {
      const segments = [said('before', 0, 2), said('within', 3, 4), said('behind', 9, 10)];
      assert.deepEqual(trim(segments, 2.5, 8), [said('within', 0.5, 1.5)]);
    });

    it('clips a segment at the borders, with its text while at least half of it is there', () => {
      const segments = [said('mostly', 1, 5), said('hardly', 7, 11)];
      assert.deepEqual(trim(segments, 2, 8), [said('mostly', 0, 3)]);
      assert.deepEqual(trim(segments, 3, 9), [said('mostly', 0, 2), said('hardly', 4, 6)]);
    });

    it('takes the words of a segment without times of its words by their share', () => {
      const long = [said('one long sentence\nby hand', 0, 8, { speaker: 'A' })];
      assert.deepEqual(trim(long, 2, 5), [said('sentence', 0, 3, { speaker: 'A' })]);
      assert.deepEqual(trim(long, 1, 7), [said('long sentence\nby', 0, 6, { speaker: 'A' })]);
      assert.deepEqual(trim(long, 0, 8), long);
      assert.deepEqual(trim([said('你好吗？我很好。', 0, 8)], 4, 8), [said('我很好。', 0, 4)]);
    });

    it('is not edited where nothing that a person wrote is left', () => {
      const made = { usedStartSec: 4, usedEndSec: 8, startsSec: null, durationSec: 4 };
      const facts = (segments: TranscriptSegment[]) => {
        const { kind, segments: left } = carryOver([part(segments, { kind: 'edited', model: null })], made);
        return [kind, left.length];
      };
      assert.deepEqual(facts([said('before', 0, 2)]), ['machine', 0]);
      assert.deepEqual(facts([said('within', 5, 6)]), ['edited', 1]);
    });

    it('takes words by their own times, and the text with its punctuation from them', () => {
      const words = [said('Yes,', 1, 2), said('we', 2, 3), said('can', 3, 4), said('do.', 4, 5)];
      const segments = [said('Yes, we  can do.', 1, 5, { words, speaker: 'A' })];
      assert.deepEqual(trim(segments, 2.2, 3.9), [
        { ...said('we  can', 0, 1.7), speaker: 'A', words: [said('we', 0, 0.8), said('can', 0.8, 1.7)] },
      ]);
      assert.deepEqual(trim(segments, 10, 12), []);
      assert.equal(trim(segments, 0, 12)[0]?.text, 'Yes, we  can do.');
    });

    it('puts words together that are not found in their text', () => {
      const words = [said('we', 2, 3), said('shall', 3, 4), said('go', 4, 5)];
      assert.equal(trim([said("We'll go", 2, 5, { words })], 2, 4)[0]?.text, 'we shall');
    });
  });

  describe('through a merge', () => {
    it('moves each video to where it begins, and ends it where the next one does', () => {
      const parts = [part([said('one', 1, 2), said('overhang', 19, 20.4)]), part([said('two', 0.5, 1)])];
      assert.deepEqual(merge(parts, [0, 20.04], 30).segments, [
        said('one', 1, 2),
        said('overhang', 19, 20.04),
        said('two', 20.54, 21.04),
      ]);
    });

    it('leaves room for a video in which nothing is heard', () => {
      const silent: SpokenPart = { videoId: 'silent', durationSec: 5, transcript: null };
      const { segments } = merge([silent, part([said('one', 1, 2)])], [0, 5], 25);
      assert.deepEqual(segments, [said('one', 6, 7)]);
    });

    it('tells speakers of two videos apart, but not those of one that stands there twice', () => {
      const by = (speaker: string) => [said('word', 1, 2, { speaker })];
      const [one, two] = [part(by('A')), { ...part(by('A')), videoId: 'two' }];
      const { segments } = merge([one, two, one], [0, 20, 40], 60);
      assert.deepEqual(
        segments.map(({ speaker }) => speaker),
        ['A', 'A (2)', 'A'],
      );
      const named = [
        part(by('Anna'), { kind: 'edited' }),
        { ...part(by('Anna'), { kind: 'edited' }), videoId: 'two' },
      ];
      assert.deepEqual(
        merge(named, [0, 20], 40).segments.map(({ speaker }) => speaker),
        ['Anna', 'Anna'],
      );
    });

    it('is edited as soon as one of them is, in the language of most', () => {
      const words = [said('word', 1, 2)];
      const machine = part(words);
      const edited = { ...part(words, { kind: 'edited', language: 'de', model: null }), videoId: 'two' };
      const facts = ({ kind, language, model }: ReturnType<typeof merge>) => [kind, language, model];
      assert.deepEqual(facts(merge([machine, machine], [0, 20], 40)), ['machine', 'en', 'whisper-1']);
      assert.deepEqual(facts(merge([edited, machine, machine], [0, 20, 40], 60)), ['edited', 'en', null]);
    });
  });
});
