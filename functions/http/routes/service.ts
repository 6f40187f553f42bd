/** Routes on the server itself: liveness, readiness, metrics, and the document that describes all routes. */
import * as z from 'zod';
import { ok } from './route.js';
import type { Route } from './route.js';

const healthRoute: Route = {
  operation: 'health',
  method: 'GET',
  path: '/health',
  access: 'health',
  summary: 'Whether the process answers',
  answers: {
    200: {
      description: 'It does.',
      schema: z.strictObject({ status: z.literal('ok'), version: z.string() }),
    },
  },
  examples: [{ summary: 'Alive', answer: { status: 'ok', version: '0.1.0' } }],
  run: (call) => Promise.resolve(ok({ status: 'ok', version: call.services.version })),
};

const readyRoute: Route = {
  operation: 'ready',
  method: 'GET',
  path: '/ready',
  access: 'open',
  summary: 'Whether the store can be reached',
  answers: {
    200: { description: 'It can.', schema: z.strictObject({ status: z.literal('ready') }) },
  },
  examples: [{ summary: 'Ready', answer: { status: 'ready' } }],
  run: async (call) => {
    await call.services.ping();
    return ok({ status: 'ready' });
  },
};

const metricsRoute: Route = {
  operation: 'metrics',
  method: 'GET',
  path: '/metrics',
  access: 'guarded',
  summary: 'Counters in the Prometheus text format',
  answers: { 200: { description: 'Counters.', type: 'text/plain; version=0.0.4' } },
  examples: [],
  run: async (call) => ({
    status: 200,
    text: await call.services.metricsText(),
    type: 'text/plain; version=0.0.4; charset=utf-8',
  }),
};

const openApiRoute: Route = {
  operation: 'openapi',
  method: 'GET',
  path: '/openapi.json',
  access: 'guarded',
  summary: 'This interface as an OpenAPI 3.1 document',
  answers: { 200: { description: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
  examples: [],
  run: (call) =>
    Promise.resolve({ status: 200, text: call.services.openApiText(), type: 'application/json' }),
};

export const serviceRoutes: readonly Route[] = [healthRoute, readyRoute, metricsRoute, openApiRoute];
