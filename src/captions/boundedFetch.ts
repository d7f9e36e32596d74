/** Many times what an answer with the longest caption takes. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** Fetches as `fetch` does, and breaks off an answer that never ends. */
export async function boundedFetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.body) return response;
  let sizeBytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      sizeBytes += part.byteLength;
      if (sizeBytes > MAX_ANSWER_BYTES) controller.error(new Error('The answer is too long'));
      else controller.enqueue(part);
    },
  });
  return new Response(response.body.pipeThrough(counter), response);
}
