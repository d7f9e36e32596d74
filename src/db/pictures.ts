import { MadeFileQueries, type NewMadeFile } from './madeFiles.ts';
import type { QuotaLimits } from './uploads.ts';

/** A picture whose bytes are stored. */
export interface NewPicture extends NewMadeFile {
  width: number;
  height: number;
}

export interface PictureLimits extends QuotaLimits {
  maxPicturesPerVideo: number;
}

/** Pictures of chosen times and sizes. */
export class PictureQueries extends MadeFileQueries {
  protected override readonly kind = 'picture';

  /** As `recordFile`. */
  record(picture: NewPicture, limits: PictureLimits): Promise<{ unneededKeys: string[] }> {
    return this.recordFile(picture, limits, limits.maxPicturesPerVideo);
  }
}
