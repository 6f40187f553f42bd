/**
 * A strict HTTP proxy before a real gateway, for what a real store does not do on demand: answers that get lost, come late or
 * come short, conditions that nobody looks at, lists in no order. It repeats nothing, reuses no connection to the gateway, and
 * passes on whatever a rule does not touch, header by header.
 */
import { createServer, request as sendRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './self-signed.js';

export interface ProxiedRequest {
  readonly method: string;
  path: string;
  readonly headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

export interface ProxiedAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  /** Bytes of the body after which the connection breaks, or after which nothing more comes. */
  cutAt?: number;
  stallAt?: number;
}

/** `drop`: the connection breaks. `hang`: nobody answers. An answer stands for the gateway's. */
export interface FaultRule {
  readonly before?: (request: ProxiedRequest) => 'drop' | 'hang' | ProxiedAnswer | void;
  readonly after?: (request: ProxiedRequest, answer: ProxiedAnswer) => 'drop' | 'hang' | void;
}

export interface FaultProxy {
  readonly url: string;
  /** Of the gateway that is behind it: what reached the proxy, the newest last. */
  readonly seen: readonly string[];
  /** Replaces the rule. Without one everything passes. */
  use(rule: FaultRule): void;
  close(): Promise<void>;
}

/** With a certificate the proxy speaks https, and plain http to what is behind it. */
export async function startFaultProxy(gateway: string, certificate?: Certificate): Promise<FaultProxy> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  let rule: FaultRule = {};
  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    seen.push(`${incoming.method} ${incoming.url}`);
    serve(gateway, rule, incoming, outgoing).catch(() => incoming.socket.destroy());
  };
  const server = certificate === undefined ? createServer(take) : createSecureServer(certificate, take);
  // An idle connection is not closed under a client that is about to use it: that would be one more fault.
  server.keepAliveTimeout = 600_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    use: (next) => {
      rule = next;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(
  gateway: string,
  rule: FaultRule,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const asked: ProxiedRequest = {
    method: incoming.method!,
    path: incoming.url!,
    headers: { ...incoming.headers },
    body: await bodyOf(incoming),
  };
  const before = rule.before?.(asked);
  if (before === 'hang') return;
  if (before === 'drop') {
    incoming.socket.destroy();
    return;
  }
  const answer = before ?? (await pass(gateway, asked));
  const after = rule.after?.(asked, answer);
  if (after === 'hang') return;
  if (after === 'drop') {
    incoming.socket.destroy();
    return;
  }
  const { status, headers, body, cutAt, stallAt } = answer;
  outgoing.writeHead(status, headers);
  if (stallAt !== undefined) outgoing.write(body.subarray(0, stallAt));
  else if (cutAt === undefined) outgoing.end(body);
  else outgoing.write(body.subarray(0, cutAt), () => incoming.socket.destroy());
}

/** Of one hop. What came in chunks goes on in one piece. */
const hopHeaders = ['connection', 'keep-alive', 'transfer-encoding'];

/** Host and path stay as they are: the signature covers them. */
async function pass(
  gateway: string,
  { method, path, headers, body }: ProxiedRequest,
): Promise<ProxiedAnswer> {
  const { hostname, port } = new URL(gateway);
  const options = {
    hostname,
    port,
    method,
    path,
    headers: { ...headers, connection: 'close' },
    agent: false,
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = sendRequest(options, resolve);
    request.on('error', reject);
    request.end(body);
  });
  const answered = await bodyOf(response);
  const kept: ProxiedAnswer['headers'] = Object.fromEntries(
    Object.entries(response.headers).filter(([name]) => !hopHeaders.includes(name)),
  );
  if (answered.length > 0) kept['content-length'] = String(answered.length);
  return { status: response.statusCode!, headers: kept, body: answered };
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
