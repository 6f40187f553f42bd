/**
 * One operation in a process of its own, which kills itself at one of the requests that change the store:
 * node crash-point-child.mjs DIRECTORY OPERATION [AT before|after]. Uses the build, because Node 20 runs no TypeScript. Says each
 * request in a line of its standard output, written at once, and `done` at the end.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { limits } from '../../dist/core/base/limits.js';
import { open } from '../../dist/core/index.js';
import { openFileStore } from '../../dist/core/store/adapters/node/index.js';

const [directory, operation, at, when] = process.argv.slice(2);
const say = (words) => writeSync(1, `${JSON.stringify(words)}\n`);

const KINDS = [
  [/^work\//, 'work'],
  [/^catalog\//, 'entry'],
  [/\/head$/, 'head'],
  [/\/root$/, 'root'],
  [/\/heads\//, 'head copy'],
  [/\/log\//, 'slot'],
  [/\/batch\//, 'batch'],
  [/\/inbox\//, 'inbox'],
  [/\.seg$/, 'segment'],
  [/\.del$/, 'deletions'],
  [/\.win$/, 'window'],
];
const kindOf = (key) => KINDS.find(([pattern]) => pattern.test(key))?.[1] ?? key;

let requests = 0;
/** Runs a request that changes the store, unless the process ends before or after it. */
async function change(what, run) {
  const own = requests++;
  say(what);
  if (own === Number(at) && when === 'before') process.kill(process.pid, 'SIGKILL');
  const answer = await run();
  if (own === Number(at) && when === 'after') process.kill(process.pid, 'SIGKILL');
  return answer;
}

const file = await openFileStore(directory, { create: false });
const store = {
  description: file.description,
  get: (key, options) => file.get(key, options),
  list: (prefix, options) => file.list(prefix, options),
  close: () => file.close(),
  // Signs of life come by the clock, and change nothing that anybody reads but to see whether somebody is there.
  put: (key, bytes, options) =>
    key.endsWith('.job')
      ? file.put(key, bytes, options)
      : change(`put ${kindOf(key)}`, () => file.put(key, bytes, options)),
  delete: (keys) => change('delete', () => file.delete(keys)),
  upload: async (key) => {
    const upload = await file.upload(key);
    return {
      write: (bytes) => upload.write(bytes),
      abort: () => upload.abort(),
      finish: () => change(`finish ${kindOf(key)}`, () => upload.finish()),
    };
  },
};

/** The fence's minute is not waited for: nobody else is there. */
const sleep = (ms, signal) =>
  ms === limits.fenceMs ? Promise.resolve() : setTimeout(ms, undefined, { signal }).catch(() => {});
const database = await open('file:', { store, sleep });
const papers = database.collection('papers');
const row = (id, x) => ({ id, vector: [x, 1, 1], metadata: { x } });

const operations = {
  write: () => papers.upsert([row('a', 100), row('new', 101)]),
  'large write': () => papers.upsert([{ ...row('a', 100), metadata: { x: 100 } }, ...large()]),
  fold: () => papers.compact(),
  merge: () => papers.compact(),
  collect: () => database.collect(),
  snapshot: () => papers.createSnapshot({ name: 'new' }),
  'snapshot of the past': () => papers.createSnapshot({ name: 'new', asOf: 2 }),
  'snapshot deletion': () => papers.deleteSnapshot('kept'),
  retention: () => papers.update({ retentionHours: 24 }),
  restore: () => papers.restoreTo({ snapshot: 'kept' }),
  'fold of a restore': () => papers.compact(),
  branch: () => papers.branch('draft'),
  'collection of a branch': () => database.collect(),
  drop: () => database.dropCollection('papers'),
};

/** More than a slot takes inline. */
function* large() {
  for (let i = 0; i < 160; i++)
    yield { ...row(`large${i}`, 200 + i), metadata: { x: 200 + i, text: 'x'.repeat(60_000) } };
}

if (operation === 'large write') operations[operation] = () => papers.upsert([row('a', 100), ...large()]);
await operations[operation]();
say('done');
process.exit(0);
