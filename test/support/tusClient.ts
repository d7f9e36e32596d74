import { createReadStream } from 'node:fs';
// @ts-expect-error: its types leave out what only Node has
import { FileUrlStorage, Upload } from 'tus-js-client';

/**
 * A program around tus-js-client as it is: sends a file, or goes on with it where a file of addresses says that it
 * was begun. Says nothing but its errors, and ends with 0 when all is sent.
 *
 * Arguments: endpoint, token, file, file of addresses.
 */
const [endpoint = '', token = '', file = '', addresses = ''] = process.argv.slice(2);

const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { authorization: `Bearer ${token}` },
  metadata: { filename: 'beach.mp4', filetype: 'video/mp4' },
  urlStorage: new FileUrlStorage(addresses),
  retryDelays: Array.from({ length: 300 }, () => 200),
  onError: (error) => {
    console.error(error);
    process.exitCode = 1;
  },
});
const [previous] = await upload.findPreviousUploads();
if (previous) upload.resumeFromPreviousUpload(previous);
upload.start();
