/** One act on a file store by a process with fewer rights or room than the tests have: DIRECTORY ACT [UID]. From the build. */
import { openFileStore } from '../../dist/core/store/adapters/node/index.js';

const [directory, act, uid] = process.argv.slice(2);
if (uid !== undefined) process.setuid(Number(uid));

const acts = {
  fill: (store) => store.put('dir/big', new Uint8Array(1024 * 1024), { if: 'absent' }),
  create: (store) => store.put('dir/new', new Uint8Array(1), { if: 'absent' }),
  delete: (store) => store.delete(['dir/old']),
  read: (store) => store.get('dir/old'),
  locked: (store) => store.get('dir/locked'),
  list: (store) => store.list(''),
};

let answer;
try {
  answer = await acts[act](await openFileStore(directory));
} catch (error) {
  const { name, kind, code, message, outcome, details } = error;
  answer = { name, kind, code, message, outcome, details };
}
process.stdout.write(JSON.stringify(answer ?? null));
