/** Runs in a browser, on a page of another origin than the API's: uploads with the libraries as they are. */
import Uppy from '@uppy/core';
import Tus from '@uppy/tus';
import { Upload } from 'tus-js-client';

const { apiUrl, token, sizeBytes } = await (await fetch('/settings')).json();
const endpoint = `${apiUrl}/v1/uploads`;
const headers = { Authorization: `Bearer ${token}` };

/** An MP4 as far as its first box tells. */
function makeVideo(): Blob {
  const bytes = new Uint8Array(sizeBytes);
  bytes.set([0, 0, 0, 24, ...new TextEncoder().encode('ftypmp42')]);
  return new Blob([bytes], { type: 'video/mp4' });
}

const uploadByTus = () =>
  new Promise<string | null>((resolve, reject) => {
    const upload = new Upload(makeVideo(), {
      endpoint,
      headers,
      chunkSize: sizeBytes / 4,
      metadata: { filename: 'tus.mp4' },
      onSuccess: () => resolve(upload.url),
      onError: reject,
    });
    upload.start();
  });

async function uploadByUppy() {
  const uppy = new Uppy().use(Tus, { endpoint, headers });
  uppy.addFile({ name: 'uppy.mp4', type: 'video/mp4', data: makeVideo() });
  uppy.addFile({ name: 'notes.txt', type: 'text/plain', data: new Blob(['no video at all']) });
  const { successful = [], failed = [] } = (await uppy.upload()) ?? {};
  return {
    uploaded: successful.map(({ uploadURL }) => uploadURL),
    refused: failed.map(({ error }) => error),
  };
}

const tell = (outcome: object) => fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) });
try {
  await tell({ byTus: await uploadByTus(), byUppy: await uploadByUppy() });
} catch (error) {
  await tell({ error: String(error) });
}
