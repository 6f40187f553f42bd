/**
 * The portable HTTP app: one function from request to answer. It never throws. In order: where the request came from,
 * preflight, route, key, back-pressure, handler; every answer gets its request id, timing and CORS headers.
 */
import { utf8Encode, utf8Length } from '../../core/base/bytes.js';
import type { Awaitable } from '../../core/base/awaitable.js';
import { CairnError, invalid } from '../../core/base/errors.js';
import type { Clock } from '../../core/base/ports.js';
import type { Database } from '../../core/index.js';
import { isPreflight, Load, Origins } from './access/index.js';
import type { Access, Admission, Guard, LoadLimits } from './access/index.js';
import { decodeUtf8, mustBeParsable, parseJson, parseJsonBytes, readBody } from './body/index.js';
import type { Body, HostBytes } from './body/index.js';
import type { HttpAnswer, HttpRequest, PlatformLimits } from './message/index.js';
import { Metrics } from './metrics.js';
import { asCairnError, problemHeaders, problemOf, problemType, statusOf } from './problems.js';
import {
  namedSchemas,
  namesIn,
  noRoute,
  openApiDocument,
  RouteFinder,
  routes,
  writeOptions,
} from './routes/index.js';
import type { Call, Found, Reply, Route, Services } from './routes/index.js';

export type App = (request: HttpRequest) => Promise<HttpAnswer>;

/** An error that is the server's, for the operator's log. */
export interface Failure {
  readonly requestId: string;
  readonly method: string;
  /** Absent: it was not looked for. */
  readonly route?: string;
  readonly error: unknown;
}

export interface AppOptions {
  /**
   * The open database, or the way to it: asked by every request that needs it and has been let in. What it throws is the answer, so
   * a host that could not open its store tries again with the next request.
   */
  readonly database: () => Awaitable<Database>;
  readonly guard: Guard;
  readonly version: string;
  readonly clock: Clock;
  /** Makes request ids and the idempotency keys of clients that send none. */
  readonly newId: () => string;
  /** Origins whose pages may call; `*` for all. Default none. */
  readonly corsOrigins?: readonly string[];
  readonly load?: LoadLimits;
  /** What the platform takes and gives, where that is less than the app would. */
  readonly platform?: PlatformLimits;
  /** The host's own ways with bytes, where it has any: columns are then decoded without a text in between. */
  readonly hostBytes?: HostBytes;
  readonly onFailure?: (failure: Failure) => void;
  /** Aborted when the host is told to stop: ends compactions, which nobody should wait for and the next one does again. */
  readonly stopping?: AbortSignal;
}

/** Requests and body bytes under way at once where nothing else is set. */
export const loadDefaults: LoadLimits = { requests: 256, bodyBytes: 268_435_456 };

const requestIdPattern = /^[A-Za-z0-9._:-]{1,128}$/;
const knownMethods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'];
const pingFreshMs = 1_000;

/** What a request has that was let in to a route under /collections. */
interface Admitted {
  readonly admission: Admission;
  readonly database: Database;
}

/** What is known of one request while it is worked on. */
interface Exchange {
  readonly request: HttpRequest;
  readonly url: URL;
  readonly id: string;
  readonly startedMs: number;
  route: Route | undefined;
  idempotencyKey: string | undefined;
}

export function createApp(options: AppOptions): App {
  const app = new HttpApp(options);
  return (request) => app.answer(request);
}

class HttpApp {
  readonly #options: AppOptions;
  readonly #finder = new RouteFinder(routes);
  readonly #origins: Origins;
  readonly #load: Load;
  readonly #metrics = new Metrics();
  readonly #services: Services;
  #openApi: string | undefined;
  #reachedMs = Number.NEGATIVE_INFINITY;

  constructor(options: AppOptions) {
    this.#options = options;
    this.#origins = new Origins(options.corsOrigins ?? []);
    this.#load = new Load(options.load ?? loadDefaults);
    this.#services = {
      stopping: options.stopping,
      version: options.version,
      ping: () => this.#ping(),
      metricsText: async () => {
        const database = await options.database();
        return this.#metrics.text({
          load: this.#load,
          store: database.storeUsage(),
          memory: database.memoryUsage(),
          version: options.version,
        });
      },
      openApiText: () => (this.#openApi ??= this.#openApiText()),
    };
  }

  async answer(request: HttpRequest): Promise<HttpAnswer> {
    const exchange = this.#open(request);
    let reply: Reply;
    try {
      reply = await this.#reply(exchange);
      // Here, so that an answer that is too large is a problem too.
      reply = textOf(reply);
      this.#mustBeTaken(exchange, reply);
    } catch (error) {
      reply = this.#problem(exchange, error);
    }
    return this.#respond(exchange, reply);
  }

  #open(request: HttpRequest): Exchange {
    const given = request.headers.get('x-request-id');
    return {
      request,
      url: new URL(request.url),
      id: given !== null && requestIdPattern.test(given) ? given : this.#options.newId(),
      startedMs: this.#options.clock.monotonicMs(),
      route: undefined,
      idempotencyKey: undefined,
    };
  }

  async #reply(exchange: Exchange): Promise<Reply> {
    const { request, url } = exchange;
    const { guard } = this.#options;
    guard.checkSource(request, request.headers.get('host') ?? url.host, this.#origins);
    if (isPreflight(request)) return this.#allowed(exchange);
    const match =
      request.method === 'OPTIONS' ? undefined : await this.#finder.tryFind(request.method, request.url);
    exchange.route = match?.route;
    const access: Access = match?.route.access ?? 'guarded';
    await guard.checkKey(request, access);
    if (match === undefined) {
      if (request.method === 'OPTIONS') return this.#allowed(exchange);
      throw noRoute(request.method, url.pathname, this.#finder.methodsOf(url.pathname));
    }
    const found = namesIn(match);
    const { route } = found;
    if (!route.path.startsWith('/collections')) return route.run(this.#call(exchange, found));
    const admission = this.#load.admit();
    try {
      const database = await this.#options.database();
      return await route.run(this.#call(exchange, found, { admission, database }));
    } finally {
      admission.release();
    }
  }

  #allowed({ url }: Exchange): Reply {
    const methods = this.#finder.methodsOf(url.pathname);
    if (methods.length === 0) throw noRoute('OPTIONS', url.pathname, methods);
    return { status: 204, headers: { allow: methods.join(', ') } };
  }

  #call(exchange: Exchange, { route, name, snapshot }: Found, admitted?: Admitted): Call {
    const { request, url } = exchange;
    const { newId, hostBytes: host, platform } = this.#options;
    let body: Promise<Body | undefined> | undefined;
    const readOnce = (): Promise<Body | undefined> => {
      const { admission } = admitted!;
      return (body ??= readBody(request, { accept: route.body?.accept ?? [], admission, platform }));
    };
    const write = route.writes === true ? writeOptions(request.headers, newId) : { idempotencyKey: '' };
    if (route.writes === true) exchange.idempotencyKey = write.idempotencyKey;
    return {
      services: this.#services,
      url,
      // Only routes under /collections ask for either.
      get database() {
        return admitted!.database;
      },
      get collection() {
        return admitted!.database.collection(name);
      },
      snapshot,
      write,
      ndjson: async () => {
        const read = await readOnce();
        if (read?.kind !== 'ndjson') return undefined;
        mustBeParsable(read.bytes);
        return decodeUtf8(read.bytes);
      },
      json: async () => {
        const read = await readOnce();
        if (read === undefined) return route.body?.optional === true ? {} : parseJson('');
        return parseJsonBytes(read.bytes, { host, newMark: newId });
      },
    };
  }

  #problem(exchange: Exchange, thrown: unknown): Reply {
    const error = asCairnError(thrown);
    // Also what is wrong between the server and its store, which no caller can mend.
    if (statusOf(error) === 500 || error.code === 'misconfigured') {
      this.#options.onFailure?.({
        requestId: exchange.id,
        method: exchange.request.method,
        route: exchange.route?.path ?? exchange.url.pathname,
        error: error.code === 'internal_error' ? error.cause : error,
      });
    }
    return {
      status: statusOf(error),
      text: JSON.stringify(problemOf(error, exchange.id)),
      type: problemType,
      headers: problemHeaders(error),
    };
  }

  #respond(exchange: Exchange, reply: Reply): HttpAnswer {
    const { request, route } = exchange;
    const elapsedMs = this.#options.clock.monotonicMs() - exchange.startedMs;
    const stages = reply.headers?.['server-timing'];
    const headers: Record<string, string> = { ...reply.headers };
    headers['x-request-id'] = exchange.id;
    headers['x-content-type-options'] = 'nosniff';
    headers['cache-control'] = 'no-store';
    headers['server-timing'] =
      `${stages === undefined ? '' : `${stages}, `}total;dur=${elapsedMs.toFixed(2)}`;
    if (exchange.idempotencyKey !== undefined) headers['idempotency-key'] = exchange.idempotencyKey;
    this.#origins.mark(request, headers);
    if (isPreflight(request) && reply.status === 204) {
      this.#origins.markPreflight(headers, headers['allow'] ?? '');
    }
    this.#metrics.recordRequest({
      route: route?.path ?? 'none',
      method: knownMethods.includes(request.method) ? request.method : 'other',
      status: reply.status,
      seconds: elapsedMs / 1_000,
    });
    if (reply.text === undefined) return { status: reply.status, headers, body: null };
    const body = utf8Encode(reply.text);
    headers['content-type'] = reply.type ?? 'application/json';
    headers['content-length'] = String(body.length);
    return { status: reply.status, headers, body: request.method === 'HEAD' ? null : body };
  }

  /** Readiness probes come from every load balancer: they share one request to the store per second. */
  async #ping(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#reachedMs < pingFreshMs) return;
    await (await this.#options.database()).ping();
    this.#reachedMs = clock.monotonicMs();
  }

  /** Throws `answer_too_large` for what the platform would not carry: it would drop the whole answer. */
  #mustBeTaken({ route }: Exchange, { text }: Reply): void {
    const { name, answerBytes = Infinity } = this.#options.platform ?? { name: '' };
    if (text === undefined || text.length * 3 <= answerBytes) return;
    const value = utf8Length(text);
    if (value <= answerBytes) return;
    const message = `the answer has ${value} bytes, ${name} carries ${answerBytes} (answerBytes): ask for fewer records, or include less`;
    throw new CairnError('invalid', 'answer_too_large', message, {
      details: { limit: 'answerBytes', value, maximum: answerBytes, platform: name },
      ...(route?.writes === true ? { outcome: 'applied' as const } : {}),
    });
  }

  #openApiText(): string {
    const { version } = this.#options;
    return JSON.stringify(openApiDocument({ routes, components: namedSchemas, version }));
  }
}

function textOf(reply: Reply): Reply {
  if (reply.json === undefined) return reply;
  try {
    return { ...reply, text: JSON.stringify(reply.json), type: 'application/json' };
  } catch (error) {
    // Strings end at about half a gigabyte.
    if (!(error instanceof RangeError)) throw error;
    throw invalid(
      'answer_too_large',
      'the answer does not fit one text: ask for fewer records, or include less',
    );
  }
}
