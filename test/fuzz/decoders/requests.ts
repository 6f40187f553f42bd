/**
 * Whole requests to every route of a collection: bodies of JSON that every route takes, changed. An answer is a success, or a
 * problem that is the caller's; a server error is a bug.
 */
import { randomUUID } from 'node:crypto';
import { CairnError, open } from '../../../core/index.js';
import type { Database, ErrorKind } from '../../../core/index.js';
import type { App } from '../../../functions/http/index.js';
import { testApp } from '../../http/harness.js';
import type { Chance } from '../../log/virtual-time.js';
import { mustHold } from '../decoder.js';
import type { Decoder } from '../decoder.js';
import { deepened, editedJson, littered } from '../json-edits.js';

const HOST = 'http://127.0.0.1';
/** So often a fresh database: a log that grows for ever would be all that is measured. */
const REQUESTS_EACH = 500;
const vector = [1, 0.5];
const record = {
  id: 'a',
  vector,
  metadata: { n: 1, tags: ['x'], deep: { t: 'é' } },
  expires_at: '2090-01-01T00:00:00Z',
};
const filter = { n: { $gte: 0 }, $or: [{ tags: { $contains: 'x' } }, { 'deep.t': 'é' }] };

const bodies: readonly (readonly [string, unknown])[] = [
  ['/upsert', { records: [record, { ...record, id: 'b' }] }],
  ['/upsert', { ids: ['a', 'c'], vectors: 'AACAPwAAAD8AAIA/AAAAPw==', metadata: [null, { n: 2 }] }],
  ['/patch', { records: [{ id: 'a', metadata: { n: 3, tags: null } }], mode: 'merge' }],
  ['/patch', { filter, metadata: { seen: true } }],
  ['/delete', { ids: ['c'], soft: true }],
  ['/delete', { filter: "n = 2 AND tags IN ('x')" }],
  ['/restore', { ids: ['c'] }],
  ['/write', { upsert: { records: [record] }, delete: { ids: ['d'] }, if_sequence: 1_000 }],
  ['/query', { vector, k: 3, filter, include: ['metadata.n', 'vector'], target_recall: 0.9 }],
  [
    '/query',
    {
      queries: [
        { vector, ef: 10 },
        { id: 'a', exact: true },
      ],
    },
  ],
  ['/query', { order_by: [{ field: 'n', direction: 'desc' }], k: 2, as_of: 1 }],
  ['/explain', { vector, filter: 'n > 0' }],
  ['/fetch', { ids: ['a', 'b'], include: ['vector', 'expires_at'] }],
  ['/count', { filter, facets: { n: 3, tags: 2 } }],
  ['/scan', { filter, limit: 1, cursor: 'MWE', include: ['metadata'] }],
  ['/scan', { order_by: [{ field: 'n' }], limit: 1 }],
  ['/recall', { vectors: [vector], k: 1 }],
  ['', { dimension: 2, metric: 'cosine', index: { m: 8 }, fields: { n: { filterable: true } } }],
];

interface Served {
  readonly database: Database;
  readonly app: App;
}

let serving: Served | undefined;
let answered = 0;

async function serve(): Promise<App> {
  if (serving !== undefined && answered++ % REQUESTS_EACH !== 0) return serving.app;
  await serving?.database.close();
  const database = await open('memory:', { memoryBudgetBytes: 67_108_864 });
  await database.createCollection('c', { dimension: 2 });
  await database.collection('c').upsert([{ id: 'a', vector, metadata: record.metadata }]);
  serving = { database, app: await testApp(database) };
  return serving.app;
}

function textOf(chance: Chance, body: unknown): string {
  if (chance.happens(0.02))
    return deepened(chance, JSON.stringify(body), chance.pick([2_000, 60_000, 70_000]));
  const text = JSON.stringify(editedJson(chance, body)) ?? '';
  return chance.happens(0.8) ? text : littered(chance, text);
}

export const requests: Decoder = {
  name: 'requests',
  refusals: ['invalid', 'not_found', 'conflict', 'quota'],
  next: (chance) => {
    const [route, body] = chance.pick(bodies);
    const text = textOf(chance, body);
    return {
      size: text.length,
      show: () => `${route} ${text.slice(0, 2_000)}`,
      run: async () => {
        const app = await serve();
        const request = new Request(`${HOST}/v1/collections/c${route}`, {
          method: route === '' ? 'PUT' : 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
          body: text,
        });
        const { status, body: answer } = await app(request);
        const said =
          answer === null ? undefined : (JSON.parse(Buffer.from(answer).toString()) as { code?: string });
        if (status < 400) return;
        mustHold(status < 500, `status ${status} is an answer to a bad request: ${JSON.stringify(said)}`);
        throw new CairnError(kindOf(status), String(said?.code), 'refused');
      },
    };
  },
};

function kindOf(status: number): ErrorKind {
  if (status === 404) return 'not_found';
  if (status === 409 || status === 422) return 'conflict';
  return status === 429 ? 'quota' : 'invalid';
}
