/** One stable answer for one kind of trouble, as the API documents it. */
export interface ProblemKind {
  status: number;
  title: string;
  /** What a person is told when the place that noticed has nothing better to say. */
  detail: string;
  /** Whether the same request may succeed later, also where somebody has to do something for it: such a refusal is not kept. */
  retryable: boolean;
}

/**
 * Every `code` that an answer of the API may carry. The documentation prints this table and the codes
 * never change their meaning, so that programs may decide by them.
 */
export const PROBLEMS = {
  malformed_request: {
    status: 400,
    title: 'Malformed request',
    detail: 'The request is not well-formed HTTP',
    retryable: false,
  },
  invalid_json: {
    status: 400,
    title: 'Invalid JSON',
    detail: 'The body is no valid JSON, no object, or has a field named `__proto__`',
    retryable: false,
  },
  invalid_body: {
    status: 400,
    title: 'Unreadable body',
    detail: 'The body cannot be read',
    retryable: false,
  },
  upload_aborted: {
    status: 400,
    title: 'Upload aborted',
    detail: 'The connection ended before the whole body had arrived',
    retryable: true,
  },
  invalid_header: {
    status: 400,
    title: 'Wrong header',
    detail: 'A header is missing, or not as it should be',
    retryable: false,
  },
  unsupported_checksum: {
    status: 400,
    title: 'Unsupported checksum',
    detail: 'The checksum is of an algorithm that is not taken here; sha1 and sha256 are',
    retryable: false,
  },
  unauthorized: {
    status: 401,
    title: 'Unauthorized',
    detail: 'A valid bearer token is needed',
    retryable: false,
  },
  invalid_credentials: {
    status: 401,
    title: 'Wrong username or password',
    detail: 'The username and the password do not belong together',
    retryable: false,
  },
  insufficient_scope: {
    status: 403,
    title: 'Insufficient scope',
    detail: 'The token lacks the scope that this needs',
    retryable: false,
  },
  quota_exceeded: {
    status: 403,
    title: 'Quota exceeded',
    detail: 'You have as much here as you may have',
    retryable: true,
  },
  invalid_signature: {
    status: 403,
    title: 'Address not valid',
    detail: 'The signed address was changed or is too old; ask for the object again to get a new one',
    retryable: false,
  },
  download_not_allowed: {
    status: 403,
    title: 'No download',
    detail: 'The video may be watched by this link, and not be kept',
    retryable: false,
  },
  not_found: { status: 404, title: 'Not found', detail: 'There is nothing here', retryable: false },
  no_thumbnail: {
    status: 404,
    title: 'No thumbnail',
    detail: 'The video has no thumbnail, or none yet',
    retryable: true,
  },
  no_picture: {
    status: 404,
    title: 'No picture',
    detail: 'Nothing of the video can be shown at that time',
    retryable: false,
  },
  no_storyboard: {
    status: 404,
    title: 'No storyboard',
    detail: 'The video has no storyboard, or none yet',
    retryable: true,
  },
  no_transcript: {
    status: 404,
    title: 'No transcript',
    detail: 'The video has no transcript, or none yet',
    retryable: true,
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    detail: 'This address does not take that method',
    retryable: false,
  },
  not_acceptable: {
    status: 406,
    title: 'Not acceptable',
    detail: 'What is here is given in no form that the Accept header allows',
    retryable: false,
  },
  request_timeout: {
    status: 408,
    title: 'Request timeout',
    detail: 'The request took too long to arrive',
    retryable: true,
  },
  already_exists: {
    status: 409,
    title: 'Already exists',
    detail: 'There is one already',
    retryable: false,
  },
  in_use: { status: 409, title: 'In use', detail: 'Something else still needs this', retryable: false },
  last_admin: {
    status: 409,
    title: 'Last administrator',
    detail: 'The last administrator cannot be removed',
    retryable: false,
  },
  external_id_taken: {
    status: 409,
    title: 'External id taken',
    detail: 'Another video of the same user_id has this external_id',
    retryable: false,
  },
  chunk_conflict: {
    status: 409,
    title: 'Other bytes before',
    detail: 'A chunk of this number is here already, with other bytes',
    retryable: false,
  },
  not_ready: {
    status: 409,
    title: 'Not ready',
    detail: 'The video cannot be played, or not yet; its status says more',
    retryable: true,
  },
  video_not_usable: {
    status: 409,
    title: 'Video not usable',
    detail: 'Nothing can be made of a video that has failed, was cancelled, or has no bytes yet',
    retryable: false,
  },
  no_audio: {
    status: 409,
    title: 'No sound',
    detail: 'The video has no sound that can be decoded',
    retryable: false,
  },
  no_transcriber: {
    status: 409,
    title: 'No transcriber',
    detail: 'No transcriber is configured here',
    retryable: false,
  },
  no_caption_writer: {
    status: 409,
    title: 'No caption writer',
    detail: 'No language model that could write captions is configured here',
    retryable: false,
  },
  no_telegram_bot: {
    status: 409,
    title: 'No Telegram bot',
    detail: 'No bot that could send notices is configured here',
    retryable: false,
  },
  not_cancellable: {
    status: 409,
    title: 'Nothing to cancel',
    detail: 'No step of the video is waiting or running',
    retryable: false,
  },
  not_retryable: {
    status: 409,
    title: 'Nothing to retry',
    detail: 'No step has failed or was cancelled, or its work is still being stopped',
    retryable: false,
  },
  not_possible: {
    status: 409,
    title: 'Not possible now',
    detail: 'The object is not in a state that allows this',
    retryable: false,
  },
  webhook_disabled: {
    status: 409,
    title: 'Webhook disabled',
    detail: 'Nothing is sent to a webhook that is disabled, but pings',
    retryable: false,
  },
  already_grouped: {
    status: 409,
    title: 'In another group',
    detail: 'An account is in one group at most; take it out of the other one first',
    retryable: false,
  },
  account_paused: {
    status: 409,
    title: 'Account paused',
    detail: 'The account is paused by its owner and takes no posts',
    retryable: true,
  },
  reauth_required: {
    status: 409,
    title: 'Other credentials needed',
    detail: "The account's provider refused its credentials; give it others first",
    retryable: true,
  },
  autoposting_disabled: {
    status: 409,
    title: 'Autoposting disabled',
    detail:
      'The account has no times of its own, so there is no next slot; set `autoposting.enabled: true` on the account, or give a time',
    retryable: true,
  },
  no_slot: {
    status: 409,
    title: 'No free slot',
    detail: 'The account has no free slot as far ahead as is looked',
    retryable: true,
  },
  empty_group: {
    status: 409,
    title: 'Empty group',
    detail: 'The group has no accounts that could post',
    retryable: true,
  },
  too_late: {
    status: 409,
    title: 'Too late',
    detail: 'Something of the post is being sent or was sent, or the post is over',
    retryable: false,
  },
  idempotency_in_progress: {
    status: 409,
    title: 'Still in progress',
    detail: 'The first request with this Idempotency-Key is still running',
    retryable: true,
  },
  offset_conflict: {
    status: 409,
    title: 'Another offset',
    detail: 'The upload goes on at another offset, which HEAD tells',
    retryable: true,
  },
  upload_gone: {
    status: 410,
    title: 'Upload gone',
    detail: 'The upload has expired or was ended; begin a new one',
    retryable: false,
  },
  share_expired: {
    status: 410,
    title: 'Link expired',
    detail: 'The time of this link is over',
    retryable: false,
  },
  share_revoked: {
    status: 410,
    title: 'Link taken back',
    detail: 'This link was taken back by its owner',
    retryable: false,
  },
  share_used_up: {
    status: 410,
    title: 'Link used up',
    detail: 'This link was watched as often as it may be',
    retryable: false,
  },
  event_gone: {
    status: 410,
    title: 'Event gone',
    detail: 'The event is no longer kept, so it cannot be sent again',
    retryable: false,
  },
  events_expired: {
    status: 410,
    title: 'Events expired',
    detail: 'Events after that number are no longer kept; begin again without one, and read the objects anew',
    retryable: false,
  },
  precondition_failed: {
    status: 412,
    title: 'Precondition failed',
    detail: 'The file is not, or no longer, the one that the condition names',
    retryable: false,
  },
  tus_version: {
    status: 412,
    title: 'Other protocol version',
    detail: 'The Tus-Resumable header must name a version that is spoken here',
    retryable: false,
  },
  too_large: {
    status: 413,
    title: 'Too large',
    detail: 'The body is larger than what is taken here',
    retryable: false,
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'The body is not of a type that is taken here',
    retryable: false,
  },
  unsupported_media: {
    status: 415,
    title: 'Not a video that is taken here',
    detail:
      'The file does not begin as a video does; taken are MP4, MOV, 3GP, Matroska, WebM, AVI, MPEG-TS, MPEG-PS, FLV, WMV and Ogg',
    retryable: false,
  },
  range_not_satisfiable: {
    status: 416,
    title: 'Range not satisfiable',
    detail: 'The range lies outside of the file',
    retryable: false,
  },
  invalid_request: {
    status: 422,
    title: 'Invalid request',
    detail: 'Some fields are not as they should be',
    retryable: false,
  },
  preflight_failed: {
    status: 422,
    title: 'Refused by platforms',
    detail: 'Some platforms certainly refuse this post; leave them out, or change what they refuse',
    retryable: false,
  },
  caption_refused: {
    status: 422,
    title: 'Caption refused',
    detail: 'The language model, or the service that runs it, refuses to write about this',
    retryable: false,
  },
  captions_rejected: {
    status: 422,
    title: 'Request for a caption rejected',
    detail: 'The service that writes captions does not take the request; it may not have the model',
    retryable: false,
  },
  empty_file: { status: 422, title: 'Empty file', detail: 'The file has no bytes', retryable: false },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key used before',
    detail: 'This Idempotency-Key was used for a different request',
    retryable: false,
  },
  upload_locked: {
    status: 423,
    title: 'Upload locked',
    detail: 'Another request is sending bytes of this upload',
    retryable: true,
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    detail: 'Too many requests; slow down',
    retryable: true,
  },
  too_many_streams: {
    status: 429,
    title: 'Too many streams',
    detail: 'As many event streams of yours are open as one user may have; close one first',
    retryable: true,
  },
  headers_too_large: {
    status: 431,
    title: 'Headers too large',
    detail: 'The request headers are too large',
    retryable: false,
  },
  checksum_mismatch: {
    status: 460,
    title: 'Checksum mismatch',
    detail: 'The bytes that arrived are not those of the checksum, and were dropped',
    retryable: true,
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong here; the request id finds it in the log',
    retryable: true,
  },
  captions_unauthorized: {
    status: 502,
    title: 'No access to captions',
    detail: 'The service that writes captions does not accept the key that is configured here',
    retryable: true,
  },
  captions_no_credit: {
    status: 502,
    title: 'No credit for captions',
    detail: 'What was paid to the service that writes captions is used up',
    retryable: true,
  },
  captions_unusable: {
    status: 502,
    title: 'Unusable caption',
    detail: 'The language model gave no caption that can be used',
    retryable: true,
  },
  database_unavailable: {
    status: 503,
    title: 'Database unavailable',
    detail: 'The database does not answer right now; try again shortly',
    retryable: true,
  },
  storage_unavailable: {
    status: 503,
    title: 'Storage unavailable',
    detail: 'The storage does not answer right now; try again shortly',
    retryable: true,
  },
  engine_unavailable: {
    status: 503,
    title: 'Engine unavailable',
    detail: 'The workflow engine does not answer right now; try again shortly',
    retryable: true,
  },
  captions_unavailable: {
    status: 503,
    title: 'Captions unavailable',
    detail: 'The service that writes captions does not answer as it should right now',
    retryable: true,
  },
  streams_unavailable: {
    status: 503,
    title: 'No room for streams',
    detail: 'No more event streams can be opened here right now',
    retryable: true,
  },
  telegram_unavailable: {
    status: 503,
    title: 'Telegram unavailable',
    detail: 'Telegram has not said yet what the bot is called; try again shortly',
    retryable: true,
  },
  no_worker: {
    status: 503,
    title: 'No worker',
    detail: 'The answer needs a worker, and none is at work right now',
    retryable: true,
  },
  storage_full: {
    status: 507,
    title: 'Storage full',
    detail: 'The storage is full',
    retryable: true,
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;
