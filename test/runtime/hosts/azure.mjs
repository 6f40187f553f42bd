/**
 * A stand-in for the host of Azure Functions, which is not to be had as a package: `node azure.mjs FOLDER`. It reads host.json, and
 * calls the bundle's HTTP function for each request and its timer function for a POST to the host's own route for that.
 * What the host does to requests is taken from its documents and from what the library of the bundle expects of it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, request as sendRequest } from 'node:http';
import { Server } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { capabilities, functionOf, invoke, provideCore } from './azure-worker.mjs';
import { folder, importMain, listen, ready } from './bundle-folder.mjs';

// The library listens on every interface for what the host hands on as a stream.
Server.prototype.listen = new Proxy(Server.prototype['listen'], {
  apply: (listenAnywhere, server, given) =>
    Reflect.apply(listenAnywhere, server, given[0] === 0 ? given : [0, '127.0.0.1', ...given]),
});

const { extensions } = JSON.parse(readFileSync(join(folder, 'host.json'), 'utf8'));
const routePrefix = extensions?.http?.routePrefix ?? 'api';
provideCore();
await importMain();
const served = functionOf('httpTrigger');
const scheduled = functionOf('timerTrigger');
const { route, methods, authLevel } = served.trigger;
// Anything else is another deployment than the one that the suite is about.
if (routePrefix !== '' || route !== '{*path}' || authLevel !== 'anonymous')
  throw new Error(`not every path and caller: ${JSON.stringify({ routePrefix, route, authLevel })}`);
const { HttpUri: workerUrl } = await capabilities();
if (workerUrl === undefined) throw new Error('the bundle has not asked for streams');
const workerPort = new URL(workerUrl).port;

/** Of several of one name, as .NET gives them to the worker. */
function headersOf(incoming) {
  return Object.fromEntries(
    Object.entries(incoming.headersDistinct).map(([name, all]) => [name, all.join(',')]),
  );
}

/** The host is a proxy before the worker, which gets the headers twice. */
async function call(incoming, outgoing, { host, protocol }) {
  const invocationId = randomUUID();
  const headers = headersOf(incoming);
  const added = {
    'x-ms-invocation-id': invocationId,
    'x-forwarded-host': host,
    'x-forwarded-proto': protocol.slice(0, -1),
  };
  const proxied = sendRequest({
    host: '127.0.0.1',
    port: workerPort,
    method: incoming.method,
    path: incoming.url,
    headers: { ...headers, ...added },
  });
  proxied.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode, answer.rawHeaders);
    answer.pipe(outgoing);
    answer.once('error', () => outgoing.destroy());
  });
  proxied.once('error', () => outgoing.destroy());
  outgoing.once('close', () => proxied.destroy());
  incoming.pipe(proxied);
  const triggerMetadata = { Headers: { json: JSON.stringify({ ...headers, ...added }) } };
  await invoke(served, { invocationId, data: { http: {} }, triggerMetadata });
}

async function startTimer(incoming, outgoing) {
  if (incoming.method !== 'POST') return refuse(outgoing, 405);
  const timer = { Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false };
  // The host answers at once, too.
  refuse(outgoing, 202);
  await invoke(scheduled, { invocationId: randomUUID(), data: { json: JSON.stringify(timer) } });
}

/** In the host's own words: an answer without a body. */
function refuse(outgoing, status) {
  outgoing.writeHead(status, { 'content-length': 0 }).end();
}

async function serve(incoming, outgoing) {
  const target = `http://${incoming.headers.host}${incoming.url}`;
  if (!URL.canParse(target)) return refuse(outgoing, 400);
  const url = new URL(target);
  if (url.pathname === '/admin/functions/maintain') return await startTimer(incoming, outgoing);
  if (!methods.includes(incoming.method)) return refuse(outgoing, 404);
  await call(incoming, outgoing, url);
}

const server = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error) => {
    process.stderr.write(`error, host: ${error.stack}\n`);
    if (outgoing.headersSent) outgoing.destroy();
    else refuse(outgoing, 500);
  });
});
const url = await listen(server);
ready({ url, schedule: `${url}/admin/functions/maintain` });
