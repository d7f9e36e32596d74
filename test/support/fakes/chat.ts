import { cutText } from '../../../src/domain/cutText.ts';
import type { Received } from './receive.ts';
import { type FakeAnswer, type FakeOptions, type FakeRoute, type Fakes, startFakes } from './server.ts';

interface Message {
  role: string;
  content: string;
}

interface ChatBody {
  model: string;
  messages: Message[];
  response_format: {
    type: string;
    json_schema?: {
      strict?: boolean;
      schema?: { properties?: object; required?: string[]; additionalProperties?: boolean };
    };
  };
  [field: string]: unknown;
}

/** Of this fake's own; a router gives another model than the one that was asked for. */
export const WRITER = 'fake/writer-1';
const ROUTER = 'openrouter/auto';
/** What nobody serves. */
export const MISSING_MODEL = 'fake/no-such-model';

/** Every field that is expected; a real server takes more, here they are a mistake of ours. */
const FIELDS = new Set(['model', 'messages', 'response_format', 'max_completion_tokens', 'provider']);
const ROLES = new Set(['system', 'user', 'assistant']);
const CHARS_PER_TOKEN = 4;

/** As OpenRouter refuses: the code is the status. */
const refuse = (code: number, message: string): FakeAnswer => ({
  status: code,
  body: { error: { code, message } },
});

/** What is wrong with a request; null for nothing. */
function complain(body: ChatBody | undefined): FakeAnswer | null {
  if (!body || typeof body !== 'object') return refuse(400, 'The body is not JSON');
  const unknown = Object.keys(body).filter((field) => !FIELDS.has(field));
  if (unknown.length > 0) return refuse(400, `Unknown fields: ${unknown.join(', ')}`);
  if (typeof body.model !== 'string' || body.model === '') return refuse(400, 'No model');
  if (body.model === MISSING_MODEL) return refuse(404, `No endpoints found for ${MISSING_MODEL}.`);
  const isMessage = ({ role, content }: Message) => ROLES.has(role) && typeof content === 'string';
  if (!body.messages?.length || !body.messages.every(isMessage)) return refuse(400, 'Wrong messages');
  return complainOfFormat(body.response_format);
}

/** As strict as structured outputs are: every property is required, and there are no others. */
function complainOfFormat(format: ChatBody['response_format'] | undefined): FakeAnswer | null {
  const { strict, schema } = format?.json_schema ?? {};
  const names = Object.keys(schema?.properties ?? {});
  const isStrict =
    strict === true &&
    schema?.additionalProperties === false &&
    names.every((name) => schema.required?.includes(name));
  if (format?.type !== 'json_schema' || !isStrict || names.join() !== 'caption')
    return refuse(400, 'Invalid schema for response_format');
  return null;
}

/** A text of these words, of exactly this length unless that ends in a space or half a character. */
function fill(words: string, length: number): string {
  const sentence = `${words.trim() || 'words'} `;
  return cutText(sentence.repeat(Math.ceil(length / sentence.length)), length);
}

/**
 * Answers by content: `About:` and what the user wrote, or else what is said in the video; as long as asked for in it
 * (`in 400 characters`). Who asks for a shorter one gets four fifths of the limit.
 */
function write(messages: Message[]): string {
  const repair = messages.findIndex(({ role }) => role === 'assistant');
  const asked = messages.slice(0, repair < 0 ? undefined : repair).filter(({ role }) => role === 'user');
  const said = asked.map(({ content }) => /as a JSON string:\n(".*")$/s.exec(content)?.[1]).find(Boolean);
  const prompt = asked.at(-1)?.content ?? '';
  const words = prompt.startsWith('Write a caption for this video') && said ? JSON.parse(said) : prompt;
  const caption = `About: ${words}`;
  const limit = repair < 0 ? null : Number(/at most (\d+)/.exec(messages.at(-1)?.content ?? '')?.[1]);
  if (limit !== null) return fill(caption, Math.floor(limit * 0.8));
  const length = /in (\d+) characters/.exec(prompt)?.[1];
  return length === undefined ? cutText(caption, 200) : fill(caption, Number(length));
}

function answer({ json }: Received): FakeAnswer {
  const body = json as ChatBody | undefined;
  const complaint = complain(body);
  if (complaint || !body) return complaint ?? refuse(400, 'No body');
  const content = JSON.stringify({ caption: write(body.messages) });
  const sent = body.messages.reduce((sum, message) => sum + message.content.length, 0);
  const [prompt_tokens, completion_tokens] = [sent, content.length].map((chars) =>
    Math.ceil(chars / CHARS_PER_TOKEN),
  ) as [number, number];
  return {
    status: 200,
    body: {
      id: 'gen-fake',
      object: 'chat.completion',
      model: body.model === ROUTER ? WRITER : body.model,
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content, refusal: null } }],
      usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
    },
  };
}

/** `POST /v1/chat/completions`, for one field with structured outputs, in the words of OpenRouter. */
export const createChatRoute = (): FakeRoute => ({
  method: 'POST',
  path: '/v1/chat/completions',
  refuseKey: () => refuse(401, 'No auth credentials found'),
  answer,
});

/** A server with chat completions alone, for tests. */
export const startFakeWriter = (options: Omit<FakeOptions, 'routes'> = {}): Promise<Fakes> =>
  startFakes({ ...options, routes: [createChatRoute()] });

/** What was sent as a message of a role, in order. */
export const messagesOf = (json: unknown, role: string): string[] =>
  (json as ChatBody).messages.filter((message) => message.role === role).map(({ content }) => content);
