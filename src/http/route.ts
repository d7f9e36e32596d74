import type { Context } from 'koa';
import type { z } from 'zod';
import type { Config } from '../config.ts';
import type { Scope } from '../db/entities/user.ts';
import type { Db, Queries } from '../db/index.ts';
import type { Flows } from '../flows.ts';
import type { Log } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import type { EventHub } from './events/hub.ts';
import type { Limits } from './limits.ts';
import type { OpenStreams } from './shares/openStreams.ts';
import type { ByteCache } from './transcripts/byteCache.ts';

/** What the routes work with. */
export interface HttpDeps {
  config: Config;
  log: Log;
  db: Db;
  flows: Flows;
  storage: Storage;
}

/** What a handler works with. */
export interface RouteDeps extends HttpDeps {
  limits: Limits;
  /** The running answers of shares. */
  openStreams: OpenStreams;
  /** The running streams of events. */
  events: EventHub;
  /** Versions of transcripts in their formats. */
  writtenTranscripts: ByteCache;
}

/** Who asks. A signed address stands for its owner without a token. */
export interface RequestUser {
  id: string;
  username: string | null;
  scopes: readonly Scope[];
  tokenId: string | null;
}

/** What a handler answers; a stream may be a body too. */
export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** The object the answer is about: `Prefer: wait` follows it, also when the answer is replayed. */
  objectId?: string;
  /** What is kept for a replay in place of `body`, when that holds secrets or signed addresses. */
  storedBody?: unknown;
}

/** The one-request side of `Idempotency-Key`; works the same, only without memory, when no key is given. */
export interface Idempotency {
  /** Whether the answer is known already, provided that the request turns out to be the same. */
  readonly isAnswered: boolean;
  /**
   * Says what else makes two requests the same, beside route, path and query. Called by the frame with
   * the JSON body; a `rawBody` route calls it itself as soon as it knows (fields, SHA-256 of the bytes)
   * and before it makes anything visible.
   *
   * @returns the first answer, when this is a repetition: give it back and drop what was received
   * @throws HttpProblem `idempotency_key_reused`
   */
  identify(parts: unknown): Promise<Reply | null>;
  /** What an earlier request with this key began and did not live to answer for; known once the request is identified. */
  readonly begunId: string | null;
  /**
   * Runs the first writes of a request whose answer comes much later in one transaction, and remembers in the same one
   * what the answer will be about: whoever takes the key over goes on with it.
   *
   * @returns what `work` gives: the id of the object
   * @throws HttpProblem `idempotency_in_progress` when the lease was lost to another request
   */
  accept(work: (queries: Queries) => Promise<string>): Promise<string>;
  /**
   * Runs the writes in one transaction and keeps the answer in the same one.
   *
   * @throws HttpProblem `idempotency_in_progress` when the lease was lost to another request
   */
  commit(work: (queries: Queries) => Promise<Reply>): Promise<Reply>;
}

/** A request whose parts are parsed and whose sender is known. `user` is only absent on public routes. */
export interface RouteRequest<Params = unknown, Query = unknown, Body = unknown> {
  ctx: Context;
  params: Params;
  query: Query;
  body: Body;
  user: RequestUser;
  log: Log;
  deps: RouteDeps;
  idempotency: Idempotency;
}

/** How an answer is documented; without `schema` it has no JSON body. */
export interface DocumentedResponse {
  description: string;
  schema?: z.ZodType;
  /** Media types other than JSON, such as `video/*`. */
  contentType?: string | readonly string[];
  /** What each event of a stream has as its data; an answer may be that, or JSON, as it is asked for. */
  streamOf?: z.ZodType;
  headers?: Record<string, string>;
}

/** A body that is documented by hand because it is no JSON. */
export interface DocumentedBody {
  contentType: string;
  /** A JSON schema, or a zod schema that is turned into one. */
  schema: z.ZodType | Record<string, unknown>;
}

/** A request header that is documented by hand. */
export interface DocumentedHeader {
  name: string;
  description: string;
  isRequired?: true;
  /** What the shown call sends. */
  example?: string;
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

interface RouteFacts {
  method: Method;
  /** In the router's words: `/v1/videos/:id`. */
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  /** What the token must allow; null makes the route public. */
  scope: Scope | null;
  /** Headers that the handler reads itself. */
  headers?: readonly DocumentedHeader[];
  /** Non-JSON bodies, for the documentation. */
  requestBodies?: readonly DocumentedBody[];
  responses: Readonly<Record<number, DocumentedResponse>>;
  /** Whether a POST takes `Idempotency-Key`; it does unless told otherwise. */
  idempotent?: boolean;
  /** The handler reads `ctx.req` itself; nothing here touches the body. */
  rawBody?: boolean;
  /** Kept out of the OpenAPI document. */
  hidden?: boolean;
  /** Not counted by the rate limiter: health checks and documentation. */
  unlimited?: boolean;
  /** Public, and counted by the handler, as soon as it knows what the request is for; before that, for its sender. */
  countsItself?: true;
  /** Makes a page of a refusal, where people come; throws what is to stay a problem. */
  explain?: (error: unknown, request: { ctx: Context; deps: RouteDeps }) => Reply;
  /**
   * Lets a request without an Authorization header in by other means, such as a signature in the
   * address. Gives null, or throws, when they do not suffice.
   */
  orSigned?: (request: { ctx: Context; deps: RouteDeps }) => Promise<RequestUser | null>;
  /**
   * Makes the route understand `Prefer: wait`: gives the final answer about the object, or null while
   * there is none yet; one with status 202 says how it stands meanwhile.
   */
  poll?: (request: RouteRequest, objectId: string) => Promise<Reply | null>;
}

export interface RouteDefinition<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>
  extends RouteFacts {
  params?: Params;
  query?: Query;
  body?: Body;
  /** Gives the answer, or nothing when it wrote to `ctx` itself. */
  handler: (
    request: RouteRequest<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Promise<Reply | undefined>;
}

/** One address and method of the API: its validation, its documentation and its work. */
export interface Route extends RouteFacts {
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  handler: (request: RouteRequest) => Promise<Reply | undefined>;
}

/**
 * Defines one route. Everything about it stands here once: `src/http/app.ts` serves it and
 * `src/http/openapi.ts` documents it from the same schemas.
 */
export function defineRoute<
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
>(definition: RouteDefinition<Params, Query, Body>): Route {
  // The frame parses with the very schemas that the handler's types come from.
  return definition as unknown as Route;
}

/** Says whether a route takes `Idempotency-Key`: a key belongs to a user, so public routes have none. */
export const isIdempotent = (route: Route): boolean =>
  route.method === 'post' && route.idempotent !== false && route.scope !== null;
