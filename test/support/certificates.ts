import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate that signs itself, for a name or an address: good for whoever is told to trust it, and for nobody else. */
export async function makeCertificate(name: string): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
  try {
    const [keyPath, certPath] = [join(folder, 'key'), join(folder, 'cert')];
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${kindOf(name)}:${name}`];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const files = ['-keyout', keyPath, '-out', certPath];
    await run('openssl', ['req', '-x509', ...kind, ...subject, ...files]);
    return { key: await readFile(keyPath), cert: await readFile(certPath) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const kindOf = (name: string): string => (/^[\d.]+$|:/.test(name) ? 'IP' : 'DNS');
