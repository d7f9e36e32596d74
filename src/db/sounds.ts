import { AUDIO_FORMATS } from '../domain/audio.ts';
import { MadeFileQueries, type NewMadeFile } from './madeFiles.ts';
import type { QuotaLimits } from './uploads.ts';

/** The sound of videos alone; the format is the variant. */
export class SoundQueries extends MadeFileQueries {
  protected override readonly kind = 'audio';

  /** As `recordFile`. */
  record(
    sound: Omit<NewMadeFile, 'width' | 'height'>,
    limits: QuotaLimits,
  ): Promise<{ unneededKeys: string[] }> {
    return this.recordFile({ ...sound, width: null, height: null }, limits, AUDIO_FORMATS.length);
  }
}
