/**
 * Memory of the API while many resumable uploads run at once: `node bench/manyUploads.ts [--uploads 20] [--mib 256]`.
 * Peaks of the whole process, idle and with one upload beside it, so that the figure can be told from the ground.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { launchApi, MIB, makeUploader, makeVideo, readMemory } from './api.ts';
import { startDatabase } from './postgres.ts';

const AIM_MB = 300;
const { values } = parseArgs({
  options: { uploads: { type: 'string', default: '20' }, mib: { type: 'string', default: '256' } },
});
const uploads = Number(values.uploads);
const sizeMib = Number(values.mib);

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'videoflow-bench-'));
// The user that Postgres runs as must be able to pass through it.
chmodSync(folder, 0o711);

async function uploadOnce(apiUrl: string, token: string, video: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' };
  const created = await fetch(`${apiUrl}/v1/uploads`, {
    method: 'POST',
    headers: { ...headers, 'upload-length': String(sizeMib * MIB) },
  });
  const { pathname } = new URL(created.headers.get('location') ?? '');
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--output', '/dev/null', '--request', 'PATCH', '--header', 'Expect:'],
    ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    ...['--header', 'Upload-Offset: 0', '--header', 'Content-Type: application/offset+octet-stream'],
    ...['--write-out', '%{http_code}', '--upload-file', video, apiUrl + pathname],
  ]);
  if (stdout !== '204') throw new Error(`An upload was answered ${stdout}`);
}

const database = await startDatabase(folder);
let stop = () => {};
try {
  const video = join(folder, 'video');
  makeVideo(video, sizeMib);
  const token = await makeUploader(database.url);
  const api = await launchApi({
    databaseUrl: database.url,
    dataDir: folder,
    storageDir: join(folder, 'storage'),
  });
  stop = () => void api.child.kill('SIGKILL');
  const pid = api.child.pid ?? 0;
  const idle = readMemory(pid).now;
  await uploadOnce(api.url, token, video);
  const one = readMemory(pid).peak;
  await Promise.all(Array.from({ length: uploads }, () => uploadOnce(api.url, token, video)));
  const many = readMemory(pid).peak;
  process.stdout.write(`Resident memory of the API in MB, uploads of ${sizeMib} MiB; aim ${AIM_MB}\n`);
  console.table([
    {
      idle: Math.round(idle),
      'peak, one upload': Math.round(one),
      [`peak, ${uploads} uploads at once`]: Math.round(many),
      verdict: many <= AIM_MB ? 'as aimed' : 'falls short',
    },
  ]);
} finally {
  stop();
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}
