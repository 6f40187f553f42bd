/** Routes that go on from a state of the past: the collection itself goes back to it, or a branch begins with it. */
import * as z from 'zod';
import { invalid } from '../../../core/base/errors.js';
import type { PastInput } from '../../../core/index.js';
import { asOf, camelKeys, described, mustMatch, sequence } from '../schema/index.js';
import { ok } from './route.js';
import type { Route } from './route.js';

const pointFields = {
  snapshot: described('The state that this snapshot keeps.', z.string()).optional(),
  as_of: described('The state at this sequence, or at this time.', asOf).optional(),
};

const restoreSchema = z.strictObject(pointFields).meta({ description: 'Either `snapshot` or `as_of`.' });

const branchSchema = z
  .strictObject({ name: described('Of the new collection.', z.string()), ...pointFields })
  .meta({ description: 'At most one of `snapshot` and `as_of`. Default: the newest state.' });

function pointIn(body: unknown): PastInput {
  const { snapshot, as_of: at } = mustMatch(restoreSchema, body, 'body');
  if (snapshot !== undefined && at === undefined) return { snapshot };
  if (snapshot === undefined && at !== undefined) return { asOf: at };
  throw invalid('invalid_field', 'body: give either snapshot or as_of', { field: 'snapshot' });
}

const restoreToRoute: Route = {
  operation: 'restoreTo',
  method: 'POST',
  path: '/collections/{name}/restore-to',
  access: 'guarded',
  summary: 'Go back to a state of the past, in place',
  description:
    'A commit like any other: what it undoes stays in the log, reads as of a sequence before it go on seeing that, and a ' +
    'later call may go back behind it. (`restore` is another thing: it brings soft-deleted records back.)',
  writes: true,
  body: { schema: restoreSchema, accept: ['json'] },
  answers: {
    200: {
      description:
        'The collection is what it was. `restored` is the sequence of that state; a repeat under the same key is answered without.',
      schema: z.strictObject({ sequence, restored: sequence.optional() }),
    },
  },
  examples: [
    {
      summary: 'To a snapshot',
      request: { snapshot: 'before-import' },
      answer: { sequence: 25, restored: 17 },
    },
    {
      summary: 'To what was there at a time',
      request: { as_of: '2030-01-01T09:00:00Z' },
      answer: { sequence: 26, restored: 21 },
    },
  ],
  run: async (call) => ok(await call.collection.restoreTo(pointIn(await call.json()), call.write)),
};

const branchRoute: Route = {
  operation: 'createBranch',
  method: 'POST',
  path: '/collections/{name}/branches',
  access: 'guarded',
  summary: 'Make a collection that begins with a state of this one',
  description:
    'Nothing is copied that segments hold, whatever their size, and neither sees what becomes of the other. It has the ' +
    'settings of this one, and none of its snapshots.',
  body: { schema: branchSchema, accept: ['json'] },
  answers: {
    201: {
      description: 'It is there. Its sequences go on from that of the state.',
      schema: z.strictObject({ name: z.string(), sequence }),
    },
  },
  examples: [
    {
      summary: 'Of the newest state',
      request: { name: 'try-out' },
      answer: { name: 'try-out', sequence: 26 },
    },
    {
      summary: 'Of a snapshot',
      request: { name: 'audit', snapshot: 'before-import' },
      answer: { name: 'audit', sequence: 17 },
    },
  ],
  run: async (call) => {
    const { name, ...point } = camelKeys(mustMatch(branchSchema, await call.json(), 'body'));
    return { status: 201, json: await call.collection.branch(name, point) };
  },
};

export const pastRoutes: readonly Route[] = [restoreToRoute, branchRoute];
