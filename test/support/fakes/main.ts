import { createFfmpegProbes, ensureFfmpeg } from '../../../src/local/ffmpeg.ts';
import { explainFailure, Refusal } from '../../../src/local/refusal.ts';
import { onStopRequest } from '../../../src/local/stopSignals.ts';
import { createChatRoute } from './chat.ts';
import { createFlicRoutes, FAKE_FLIC_TOKEN, FlicWorld, flicUrl } from './flic.ts';
import { type Arrival, Hooks } from './hooks.ts';
import { createTranscriptionsRoute } from './openai.ts';
import { type FakeRoute, type RecordedRequest, startFakes } from './server.ts';
import { createTelegramRoutes, FAKE_BOT_TOKEN, TelegramWorld } from './telegram.ts';
import { serveChats } from './telegramChats.ts';
import {
  createUploadPostRoutes,
  FAKE_UPLOAD_POST_KEY,
  UploadPostWorld,
  uploadPostUrl,
} from './uploadPost.ts';

const telegram = new TelegramWorld();

/** All services that `npm run fakes` stands for: each is one route, or some. */
const ROUTES: FakeRoute[] = [
  createTranscriptionsRoute(),
  createChatRoute(),
  ...createTelegramRoutes(telegram),
  ...createUploadPostRoutes(UploadPostWorld.demo()),
  ...createFlicRoutes(FlicWorld.demo()),
];

const LIKED_PORT = 8090;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function readPort(): number {
  const [given] = process.argv.slice(2);
  if (given === undefined) return LIKED_PORT;
  const port = Number(given);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new Refusal('Usage: npm run fakes -- [port]');
}

function describe({ method, path, status, behaviour, isAbandoned, ...request }: RecordedRequest): string {
  const took = `${(request.endedAt ?? 0) - request.receivedAt} ms`;
  const file = request.file && `${request.file.name} ${request.file.sizeBytes} B`;
  const model = request.fields.model?.[0];
  const trouble = behaviour === 'well' ? null : behaviour;
  const end = isAbandoned ? 'cut off' : String(status);
  return [end, method, path, model, file, took, trouble].filter(Boolean).join(' · ');
}

/** A delivery, with the two headers by which one knows again what was told twice. */
function describeArrival({ method, target, status, headers, body, ...arrival }: Arrival): string {
  const took = `${(arrival.endedAt ?? 0) - arrival.receivedAt} ms`;
  const trouble = arrival.behaviour === 'well' ? null : arrival.behaviour;
  const end = arrival.isAbandoned ? 'cut off' : String(status);
  const id = headers['webhook-id'];
  const type = /"type":"([a-z._]+)"/.exec(body.toString('utf8'))?.[1];
  return [end, method, target, type, id, `${body.length} B`, took, trouble].filter(Boolean).join(' · ');
}

async function main(): Promise<void> {
  const paths = await ensureFfmpeg({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe' }, createFfmpegProbes(say));
  process.env.FFMPEG_PATH = paths.FFMPEG_PATH;
  const hooks = new Hooks({ onEnd: (arrival) => say(describeArrival(arrival)) });
  const fakes = await startFakes({
    ...{ routes: ROUTES, port: readPort(), onEnd: (request) => say(describe(request)) },
    mounts: [
      (request, response) => hooks.serveMounted(request, response),
      (request, response) => serveChats(telegram, request, response),
    ],
  });
  say('The fakes are running. Set these where the server and the worker start, in .env for example:\n');
  say(`OPENAI_BASE_URL=${fakes.baseUrl}`);
  say(`OPENAI_API_KEY=${fakes.apiKey}`);
  say(`CAPTIONS_BASE_URL=${fakes.baseUrl}`);
  say(`OPENROUTER_API_KEY=${fakes.apiKey}`);
  say('EGRESS_ALLOW_CIDRS=127.0.0.0/8');
  say(`TELEGRAM_BASE_URL=${new URL(fakes.baseUrl).origin}`);
  say(`TELEGRAM_BOT_TOKEN=${FAKE_BOT_TOKEN}`);
  say(`UPLOAD_POST_BASE_URL=${uploadPostUrl(fakes)}`);
  say(`FLIC_BASE_URL=${flicUrl(fakes)}`);
  say(
    '\nAn account is good there with these; Upload-Post knows the profiles demo, and half, which lacks most platforms:\n',
  );
  say(`{"provider":"upload_post","username":"demo","credentials":{"api_key":"${FAKE_UPLOAD_POST_KEY}"}}`);
  say(`{"provider":"flic","username":"demo","credentials":{"flic_token":"${FAKE_FLIC_TOKEN}"}}`);
  say('\nA webhook may go to any address below the first; what came is shown at the second:\n');
  say(`${new URL('/hooks/mine', fakes.baseUrl)}`);
  say(`${new URL('/fakes/hooks', fakes.baseUrl)}`);
  say('\nThe chats that the bot writes to are shown here; what is posted to one of them is said in it:\n');
  say(`${new URL('/fakes/chats', fakes.baseUrl)}`);
  say(`curl -d '/start CODE' ${new URL('/fakes/chats/1001', fakes.baseUrl)}`);
  const control = (service: string) => new URL(`/fakes/behave/${service}`, fakes.baseUrl);
  say(
    '\nTo see them misbehave, give a name for each of the next requests ([] takes them back and tells all names):\n',
  );
  say(`curl -d '["rate_limited","slow"]' -H 'Content-Type: application/json' ${control('transcriptions')}`);
  say(`curl -d '["too_long"]' -H 'Content-Type: application/json' ${control('completions')}`);
  say(`curl -d '["server_error"]' -H 'Content-Type: application/json' ${control('upload-post')}`);
  say(`curl -d '["server_error","hang"]' ${control('hooks/mine')}\n`);
  const stop = () => void fakes.close().then(() => process.exit(0));
  onStopRequest(stop, () => process.exit(130));
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainFailure(error)}\n`);
  process.exit(1);
});
