/**
 * As `Promise.all`, but when one is rejected the others are waited for all the same: whoever removes a file then
 * finds no process at it any more.
 *
 * @throws what the first one in the list that was rejected was rejected with
 */
export async function inFull<const T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
