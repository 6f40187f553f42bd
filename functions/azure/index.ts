/** Azure Functions, programming model 4: every path of the app, and a timer. */
import process from 'node:process';
import { app } from '@azure/functions';
import type { HttpRequest as AzureRequest, HttpResponseInit } from '@azure/functions';
import { Hosted } from '../hosted/index.js';

/** The platform's own bounds, 210 MB for a request, lie above the app's. */
const hosted = new Hosted({
  platform: { name: 'Azure Functions' },
  environment: () => process.env,
  log: (line) => console.log(line),
});

/** Of the ten minutes that host.json asks for. */
const MAINTAIN_MS = 570_000;

app.setup({ enableHttpStream: true });

app.http('cairn', {
  route: '{*path}',
  methods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'],
  // Of the platform's own keys. Cairn's are asked for by the app.
  authLevel: 'anonymous',
  handler: async (request: AzureRequest): Promise<HttpResponseInit> => {
    const { status, headers, body } = await hosted.answer(request);
    return { status, headers, ...(body === null ? {} : { body }) };
  },
});

app.timer('maintain', {
  schedule: '0 */5 * * * *',
  handler: async () => {
    await hosted.maintain(MAINTAIN_MS);
  },
});
