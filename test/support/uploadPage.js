// @ts-nocheck: runs in a browser, of which the project has no types.
import Uppy from '@uppy/core';
import UppyTus from '@uppy/tus';
import { Upload } from 'tus-js-client';

const MIB = 1024 * 1024;
const settings = Object.fromEntries(new URLSearchParams(location.search));
const { api, token, work } = settings;
const endpoint = `${api}/v1/uploads`;
const headers = { authorization: `Bearer ${token}` };

/** The first box of an MP4, and then what is nowhere twice. */
function makeVideo(sizeBytes) {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 65536)
    crypto.getRandomValues(bytes.subarray(at, Math.min(sizeBytes, at + 65536)));
  bytes.set([0, 0, 0, 0x20, ...new TextEncoder().encode('ftypmp42'), 0, 0, 0, 0]);
  bytes.set(new TextEncoder().encode('mp42isomavc1iso5'), 16);
  return new Blob([bytes], { type: 'video/mp4' });
}

async function sha256(blob) {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const options = {
  endpoint,
  headers,
  chunkSize: 2 * MIB,
  retryDelays: [200, 500],
};

function sendByTus(blob, more = {}) {
  return new Promise((resolve, reject) => {
    const upload = new Upload(blob, {
      ...options,
      metadata: { filename: 'strand ☀.mp4', filetype: 'video/mp4' },
      ...more,
      onSuccess: () => resolve(upload.url),
      onError: reject,
    });
    more.begin ? more.begin(upload, resolve) : upload.start();
  });
}

/** What each visit is for; gives what is reported. */
const works = {
  tus: async () => {
    const blob = makeVideo(7 * MIB);
    return { url: await sendByTus(blob), sha256: await sha256(blob) };
  },

  /** As after a reload: only what the browser stored is known. */
  resume: async () => {
    const blob = makeVideo(7 * MIB);
    let pauses = 0;
    await sendByTus(blob, {
      begin: (upload, resolve) => {
        upload.options.onChunkComplete = () => {
          pauses += 1;
          upload.abort().then(resolve);
        };
        upload.start();
      },
    });
    let firstOffset = null;
    const url = await sendByTus(blob, {
      onProgress: (sent) => {
        firstOffset ??= sent;
      },
      begin: async (upload) => {
        const [previous] = await upload.findPreviousUploads();
        upload.resumeFromPreviousUpload(previous);
        upload.start();
      },
    });
    return { url, sha256: await sha256(blob), pauses, firstOffset };
  },

  uppy: async () => {
    const blob = makeVideo(7 * MIB);
    const uppy = new Uppy().use(UppyTus, options);
    uppy.addFile({ name: 'strand ☀.mp4', type: 'video/mp4', data: blob });
    uppy.addFile({ name: 'notes.txt', type: 'text/plain', data: new Blob(['no video at all']) });
    const { successful, failed } = await uppy.upload();
    return {
      url: successful[0]?.uploadURL,
      sha256: await sha256(blob),
      refused: failed.map(({ error }) => String(error)),
    };
  },

  problem: async () => {
    const answer = await fetch(`${endpoint}/00000000-0000-7000-8000-000000000000`, {
      method: 'HEAD',
      headers: { ...headers, 'Tus-Resumable': '1.0.0' },
    });
    const refused = await fetch(endpoint, {
      method: 'POST',
      headers: { ...headers, 'Tus-Resumable': '1.0.0', 'Upload-Length': 'many' },
    });
    return {
      head: answer.status,
      status: refused.status,
      type: refused.headers.get('Content-Type'),
      requestId: refused.headers.get('X-Request-Id'),
      body: await refused.json(),
    };
  },
};

works[work]()
  .catch((error) => ({ error: String(error) }))
  .then((report) =>
    fetch(`/report?visit=${settings.visit}`, { method: 'POST', body: JSON.stringify(report) }),
  );
