/**
 * A plain Node server around the portable app: listening, time-outs, `Expect: 100-continue`, and a shutdown that
 * answers what is in flight before the database is closed.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CairnError, invalid } from '../../core/base/errors.js';
import { problemAnswer } from '../http/index.js';
import type { App, HttpAnswer, HttpRequest } from '../http/index.js';
import { discardBody, requestOf, sendAnswer } from './messages.js';
import { Turn } from './turn.js';

export interface ServerOptions {
  readonly app: App;
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Called once, after the last answer. */
  readonly onClose?: () => Promise<void>;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /**
   * Stops accepting, waits up to `graceMs` for answers under way, then closes what is left and the database. The second
   * call waits for the first.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const headersTimeoutMs = 15_000;
/** For a whole request, its body included: 64 MiB over a slow line. */
const requestTimeoutMs = 300_000;
/** Longer than the 60 s of common load balancers, so that they close first. */
const keepAliveTimeoutMs = 65_000;
/** Turns of the event loop: one accepts, one reads, and as many again. */
const settlingTurns = 4;
const graceDefaultMs = 10_000;
/** How long a refused body is still swallowed, so that the client can read the answer before the connection ends. */
const lingerMs = 1_000;

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const state = { closing: false };
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
  });
  const turn = new Turn();
  const onRequest = (continues: boolean) => (message: IncomingMessage, response: ServerResponse) => {
    void serve(options.app, { message, response, continues, server, state, turn });
  };
  server.on('request', onRequest(false));
  server.on('checkContinue', onRequest(true));
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    host: options.host,
    port,
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    close: ({ graceMs = graceDefaultMs } = {}) => {
      state.closing = true;
      return (closed ??= shutDown(server, graceMs).then(() => options.onClose?.()));
    },
  };
}

interface Served {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly continues: boolean;
  readonly server: Server;
  readonly state: { readonly closing: boolean };
  readonly turn: Turn;
}

async function serve(app: App, served: Served): Promise<void> {
  const { message, response, continues, server, state, turn } = served;
  let invited = !continues;
  const invite = (): void => {
    if (!invited) response.writeContinue();
    invited = true;
  };
  response.on('close', () => {
    // A connection that falls idle while the server closes is closed too.
    if (state.closing) setImmediate(() => server.closeIdleConnections());
  });
  try {
    await turn.end();
    const answer = await answerTo(app, message, invite);
    if (response.destroyed) return;
    if (state.closing || !message.complete) response.setHeader('connection', 'close');
    // Ending the connection with bytes unread resets it, and the client may lose the answer with it.
    await sendAnswer(answer, response, () => (invited ? discardBody(message, lingerMs) : undefined));
  } catch {
    response.destroy();
  }
}

/** The app never throws: what does is a message that is no request. */
async function answerTo(app: App, message: IncomingMessage, onFirstRead: () => void): Promise<HttpAnswer> {
  let request: HttpRequest;
  try {
    request = requestOf(message, onFirstRead);
  } catch (error) {
    return problemAnswer(error, randomUUID());
  }
  return app(request);
}

function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): CairnError {
  const details = { host, port };
  switch (error.code) {
    case 'EADDRINUSE':
      return new CairnError('unavailable', 'port_in_use', `port in use: ${host}:${port}`, {
        details,
        cause: error,
      });
    case 'EACCES':
      return new CairnError('forbidden', 'port_forbidden', `may not listen on ${host}:${port}`, {
        details,
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return invalid('host_unknown', `host ${host} is no address of this machine`, details);
    default:
      return new CairnError(
        'unavailable',
        'listen_failed',
        `cannot listen on ${host}:${port}: ${error.message}`,
        {
          details,
          cause: error,
        },
      );
  }
}

async function shutDown(server: Server, graceMs: number): Promise<void> {
  // What the kernel holds already, connections not yet accepted and requests not yet read, is served: closing now
  // would reset it.
  for (let turn = 0; turn < settlingTurns; turn++) await new Promise((resolve) => setImmediate(resolve));
  const ended = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await ended;
  clearTimeout(timer);
}
