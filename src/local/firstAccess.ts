import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { readState, writeState } from './stateFiles.ts';

const accessShape = z.object({ token: z.string(), username: z.string(), password: z.string() });

/** How the first user gets in. */
export type FirstAccess = z.infer<typeof accessShape>;

/** The addresses that scripts read from `local.json`, beside the first user's access. */
export interface LocalAddresses {
  api_url: string;
  temporal_address: string;
  temporal_ui_url: string;
  database_url: string;
}

interface AccessRequest {
  /** `local.json` */
  file: string;
  apiUrl: string;
  username: string;
  password: string | undefined;
  createFirstUser(user: { username: string; password: string }): Promise<FirstAccess>;
}

/**
 * Gives the first user's access: the one kept in `local.json` while its token is still good, else a new one.
 * Needs the API to be up.
 */
export async function findFirstAccess(request: AccessRequest): Promise<FirstAccess> {
  const kept = accessShape.safeParse(readState(request.file)).data;
  if (kept && (await isGood(kept.token, request.apiUrl))) return kept;
  return request.createFirstUser({
    username: kept?.username ?? request.username,
    password: kept?.password ?? request.password ?? randomBytes(12).toString('base64url'),
  });
}

async function isGood(token: string, apiUrl: string): Promise<boolean> {
  const answer = await fetch(`${apiUrl}/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  await answer.body?.cancel();
  return answer.ok;
}

/** Writes `local.json` for scripts on this machine: mode 0600, it holds secrets. */
export function writeLocalFile(file: string, addresses: LocalAddresses, access: FirstAccess): void {
  const { token, username, password } = access;
  const { api_url, ...parts } = addresses;
  writeState(file, { api_url, token, username, password, ...parts });
}

/** Gives the text that greets whoever started the stack. */
export function describeReady(addresses: LocalAddresses, access: FirstAccess, localFile: string): string {
  const { api_url, temporal_ui_url } = addresses;
  const rows = [
    ['API', `${api_url}/v1`],
    ['Documentation', `${api_url}/docs`],
    ['Temporal', temporal_ui_url],
    ['User', access.password ? `${access.username}, password ${access.password}` : access.username],
    ['Token', access.token],
    ['For scripts', localFile],
  ];
  return [
    '',
    'videoflow is ready',
    '',
    ...rows.map(([name = '', value]) => `  ${name.padEnd(14)} ${value}`),
    '',
    'Upload a video:',
    '',
    `  curl -H "Authorization: Bearer ${access.token}" -F file=@video.mp4 ${api_url}/v1/videos`,
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
}
