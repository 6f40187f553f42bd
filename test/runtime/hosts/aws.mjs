/**
 * Serves a bundle as AWS Lambda behind an HTTP API does: `node aws.mjs FOLDER`. It is serverless-offline, run by osls on this
 * repository's own serverless.yml, on loopback and without a network. The scheduled event goes to its interface for invocations.
 *
 * serverless-offline stands on hapi, and `Gateway` below takes back what it and hapi do that an HTTP API does not:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { folder, ready } from './bundle-folder.mjs';

const require = createRequire(import.meta.url);
const { load: parse } = require('js-yaml');
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** As the repository deploys it, but with the plugin, and with an environment that is the one of this process. */
const settings = parse(readFileSync(join(root, 'serverless.yml'), 'utf8'));
settings.plugins = ['serverless-offline'];
settings.provider.environment = {};
// The event is sent by the tests, and not by a clock of the emulator's.
settings.functions.scheduled.events = [];

const service = mkdtempSync(join(tmpdir(), 'cairn-lambda-'));
process.on('exit', () => rmSync(service, { recursive: true, force: true }));
writeFileSync(join(service, 'serverless.yml'), JSON.stringify(settings));
mkdirSync(join(service, 'build/bundles'), { recursive: true });
symlinkSync(folder, join(service, 'build/bundles/aws'));
symlinkSync(join(root, 'test/runtime/node_modules'), join(service, 'node_modules'));

const hapi = require('@hapi/hapi');
const { Server } = hapi;
const origins = {};
hapi.Server = function serverOnLoopback({ router, ...options }) {
  // It would also compress answers.
  const server = new Server({ ...options, host: '127.0.0.1', port: 0, compression: false });
  // Only the server of the HTTP API has settings of the router: it would cut off a slash at the end of a path.
  const role = router === undefined ? 'invocations' : 'http';
  if (role === 'http') behaveAsHttpApi(server);
  const start = server.start.bind(server);
  server.start = async () => {
    await start();
    origins[role] = server.info.uri;
    if (origins.http !== undefined && origins.invocations !== undefined) announce();
  };
  return server;
};

function behaveAsHttpApi(server) {
  const extend = server.ext.bind(server);
  extend('onRequest', (request, h) => {
    // There is one route, and what is no UTF-8 when it is decoded would be refused.
    if (request.url !== null) request.setUrl('/');
    return h.continue;
  });
  extend('onPreHandler', (request, h) => {
    correct(request);
    return h.continue;
  });
  // It would answer preflights itself and allow every origin.
  server.ext = (event, ...given) => (event === 'onPreResponse' ? undefined : extend(event, ...given));
}

const TEXT = /^(?:text\/|application\/(?:json|javascript|xml))/i;

/** Before serverless-offline makes an event of the request. */
function correct(request) {
  const { raw, headers, url } = request;
  url.href = new URL(raw.req.url, url).href;
  const type = headers['content-type'];
  // A body that is no text goes as base64, which it does for this type. The event has the header as it was sent.
  if (headers['content-encoding'] !== undefined || !TEXT.test(type ?? 'text/'))
    headers['content-type'] = 'application/octet-stream';
  // It parses JSON and takes `null` for no body.
  request.mime = 'text/plain';
  // It would say that a body without a type is JSON.
  if (type === undefined) raw.req.rawHeaders.push('content-type', ' ');
}

function announce() {
  const name = `${settings.service}-test-scheduled`;
  ready({
    url: origins.http,
    schedule: `${origins.invocations}/2015-03-31/functions/${name}/invocations`,
  });
}

process.chdir(service);
process.argv.splice(2, Infinity, ...['offline', 'start', '--stage', 'test', '--noTimeout', '--noSponsor']);
process.argv.push('--localEnvironment', '--disableCookieValidation');
await import('serverless/bin/serverless.js');
