/** What the protocol says and this suite does not try, each with the reason; printed as pending. */
export const NOT_FOR_US: readonly (readonly [sentence: string, reason: string])[] = [
  ['core: the client includes Tus-Resumable in every request', 'binds clients'],
  ['core: the client sends all remaining bytes in one PATCH, or in several', 'binds clients'],
  ['core: the client sends the Upload-Offset that HEAD told', 'binds clients'],
  ['core: Tus-Version lists the versions in the order of preference', 'only one is spoken'],
  ['core: Tus-Extension is left out when there are no extensions', 'there are some'],
  ['core: HEAD answers 403 for what is not there', 'one of three allowed answers; 404 and 410 are given'],
  ['creation: the client sends either Upload-Length or Upload-Defer-Length', 'binds clients; refused if not'],
  ['creation: Location may be relative', 'it is absolute, from PUBLIC_URL'],
  ['creation-with-upload: the client verifies that the extension is there', 'binds clients'],
  ['creation-defer-length: the client tells the length with a later PATCH', 'binds clients'],
  ['expiration: the client looks at Upload-Expires before it goes on', 'binds clients'],
  ['checksum: the client retries a chunk that did not match', 'binds clients'],
  ['checksum-trailer: Upload-Checksum as a trailer of the body', 'not announced'],
  ['concatenation: Upload-Concat with partial and final uploads', 'not announced'],
  ['concatenation: the server refuses a PATCH to a final upload', 'not announced'],
  ['concatenation: HEAD tells Upload-Concat', 'not announced'],
];
