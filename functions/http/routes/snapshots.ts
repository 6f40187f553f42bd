/** Routes on what is kept of the past of a collection: snapshots, and for how long superseded states stay. */
import * as z from 'zod';
import { HOUR_MS } from '../../../core/base/dates.js';
import { limits } from '../../../core/base/limits.js';
import type { Snapshot } from '../../../core/index.js';
import { asOf, camelKeys, component, described, integer, mustMatch, snakeKeys } from '../schema/index.js';
import { exampleSummary, summaryOut } from './collections.js';
import { ok } from './route.js';
import type { Route } from './route.js';

const createSchema = z.strictObject({
  name: described('Of the snapshot. Default `at-` and the sequence.', z.string()).optional(),
  as_of: described('The state to keep, by sequence or time. Default: the newest.', asOf).optional(),
});

const updateSchema = z.strictObject({
  retention_hours: described(
    'For how many hours superseded states are kept.',
    integer(0, limits.retentionMs / HOUR_MS),
  ),
});

const exampleSnapshot = {
  name: 'before-import',
  sequence: 17,
  created_at: '2030-01-01T00:00:00.000Z',
  bytes: 48_211_968,
};

const snapshotOut = (snapshot: Snapshot): object => snakeKeys(snapshot);

const createRoute: Route = {
  operation: 'createSnapshot',
  method: 'POST',
  path: '/collections/{name}/snapshots',
  access: 'guarded',
  summary: 'Keep a state of a collection',
  description:
    'Nothing is copied: the objects that hold it are kept. Reads see it with its sequence as `as_of`.',
  body: { schema: createSchema, accept: ['json'], optional: true },
  answers: { 201: { description: 'It is kept.', schema: component('Snapshot') } },
  examples: [{ summary: 'The newest state', request: { name: 'before-import' }, answer: exampleSnapshot }],
  run: async (call) => {
    const input = camelKeys(mustMatch(createSchema, await call.json(), 'body'));
    return { status: 201, json: snapshotOut(await call.collection.createSnapshot(input)) };
  },
};

const listRoute: Route = {
  operation: 'listSnapshots',
  method: 'GET',
  path: '/collections/{name}/snapshots',
  access: 'guarded',
  summary: 'List snapshots',
  answers: {
    200: {
      description: 'The oldest state first.',
      schema: z.strictObject({ snapshots: z.array(component('Snapshot')) }),
    },
  },
  examples: [{ summary: 'One snapshot', answer: { snapshots: [exampleSnapshot] } }],
  run: async (call) => ok({ snapshots: (await call.collection.listSnapshots()).map(snapshotOut) }),
};

const deleteRoute: Route = {
  operation: 'deleteSnapshot',
  method: 'DELETE',
  path: '/collections/{name}/snapshots/{snapshot}',
  access: 'guarded',
  summary: 'Delete a snapshot',
  answers: { 204: { description: 'What it alone kept is collected.' } },
  examples: [],
  run: async (call) => {
    await call.collection.deleteSnapshot(call.snapshot);
    return { status: 204 };
  },
};

const updateRoute: Route = {
  operation: 'updateCollection',
  method: 'PATCH',
  path: '/collections/{name}',
  access: 'guarded',
  summary: 'Change for how long superseded states are kept',
  body: { schema: updateSchema, accept: ['json'] },
  answers: { 200: { description: 'The settings as they are now.', schema: component('CollectionSettings') } },
  examples: [
    {
      summary: 'A day',
      request: { retention_hours: 24 },
      answer: { ...exampleSummary, retention_hours: 24 },
    },
  ],
  run: async (call) => {
    const changes = camelKeys(mustMatch(updateSchema, await call.json(), 'body'));
    return ok(summaryOut(await call.collection.update(changes)));
  },
};

export const snapshotRoutes: readonly Route[] = [createRoute, listRoute, deleteRoute, updateRoute];
