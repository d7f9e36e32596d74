import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';

const SCRIPT = fileURLToPath(new URL('./verifyWebhook.sh', import.meta.url));

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Verifies a delivery with the library of the Standard Webhooks project, as its receivers do.
 *
 * @returns the parsed body
 * @throws when the signature does not hold, or the time is not now
 */
export const verifyByLibrary = (secret: string, headers: Headers, body: Buffer): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

/** The specification's rule written out: says whether one of the signatures is that of the bytes, whenever it was made. */
export function holdsByRule(secret: string, headers: Headers, body: Buffer): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = createHmac('sha256', key).update(
    `${headers['webhook-id']}.${headers['webhook-timestamp']}.`,
  );
  const expected = `v1,${signed.update(body).digest('base64')}`;
  return String(headers['webhook-signature']).split(' ').includes(expected);
}

/** The same with nothing but a shell and OpenSSL; says whether the signature holds, whenever it was made. */
export async function holdsByOpenssl(secret: string, headers: Headers, body: Buffer): Promise<boolean> {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  const child = spawn(SCRIPT, [secret, ...names.map((name) => String(headers[name]))], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(body);
  const [code] = await once(child, 'exit');
  return code === 0;
}
