import { soundStreamsOf } from '../../domain/media.ts';
import { type CommonFormat, pictureKey, soundKey } from './format.ts';
import type { MergeInput } from './request.ts';

export type SoundTreatment = 'copy' | 'encode' | 'silence';

/** What is done with one input before it is joined to the others. */
export interface Treatment {
  picture: 'copy' | 'encode';
  /** One for each track of the result. */
  sounds: SoundTreatment[];
}

/** Gives the least that brings an input to the common format. */
export function planTreatment({ facts }: MergeInput, format: CommonFormat): Treatment {
  const sounds = soundStreamsOf(facts);
  const isSame = format.picture.key !== null && pictureKey(facts) === format.picture.key;
  return {
    picture: isSame ? 'copy' : 'encode',
    sounds: format.sounds.map(({ key }, track) => {
      const stream = sounds[track];
      if (!stream) return 'silence';
      return key !== null && soundKey(facts.container, stream) === key ? 'copy' : 'encode';
    }),
  };
}

/** Whether everything is taken as it is. */
export const isCopy = ({ picture, sounds }: Treatment): boolean =>
  picture === 'copy' && sounds.every((each) => each === 'copy');

/** Measured on two cores: a minute of stereo is encoded in a second, a minute of silence in a third of one. */
const SOUND_SEC_A_SECOND = { copy: Number.POSITIVE_INFINITY, encode: 60, silence: 180 };
/** What may be waited for on the queue of short work. */
const QUICK_SEC = 10;

/** Whether all pictures are copied and what sound must be made is made in seconds. */
export function isQuick(inputs: readonly MergeInput[], treatments: readonly Treatment[]): boolean {
  const soundSec = treatments.reduce(
    (total, { sounds }, at) =>
      sounds.reduce(
        (sum, each) => sum + (inputs[at]?.facts.durationSec ?? 0) / SOUND_SEC_A_SECOND[each],
        total,
      ),
    0,
  );
  return treatments.every(({ picture }) => picture === 'copy') && soundSec <= QUICK_SEC;
}
