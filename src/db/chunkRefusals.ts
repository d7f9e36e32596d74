import { VideoflowError } from '../errors.ts';

/** Other bytes are stored under the same number already. */
export class ChunkConflictError extends VideoflowError {
  readonly code = 'chunk_conflict';
}

/** All chunks of one upload must say the same here. */
export class UnlikeChunkError extends VideoflowError {
  readonly code = 'invalid_request';
  readonly field: 'total_chunks' | 'user_id' | 'external_id';

  constructor(field: UnlikeChunkError['field']) {
    super(`${field} is not that of the chunks before`);
    this.field = field;
  }
}

/** The chunks together are larger than a video may be. */
export class ChunksTooLargeError extends VideoflowError {
  readonly code = 'too_large';
}

/** Where the bytes of a chunk lie, always below their upload. */
export interface ChunkPlace {
  uploadId: string;
  /** No upload is called so yet. */
  isNew: boolean;
}

/** The chunk's bytes lie below another upload than the one that they turned out to belong to. */
export class ChunkMisplacedError extends VideoflowError {
  readonly code = 'chunk_misplaced';
  readonly place: ChunkPlace;

  constructor(place: ChunkPlace) {
    super('The chunk belongs to another upload than was thought');
    this.place = place;
  }
}
