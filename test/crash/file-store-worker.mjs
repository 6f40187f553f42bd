/**
 * One process of the file store's crash and race tests: node file-store-worker.mjs MODE DIRECTORY ARGUMENT. Uses the
 * build, because Node 20 runs no TypeScript. Says what it does in lines on its standard output, written at once, so
 * that they are whole when it is killed.
 */
import { writeSync } from 'node:fs';
import { openFileStore } from '../../dist/core/store/adapters/node/index.js';

const [mode, directory, argument] = process.argv.slice(2);
const say = (words) => writeSync(1, `${JSON.stringify(words)}\n`);
const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);

const modes = { create, increment, churn };
await modes[mode](await openFileStore(directory), argument);

/** Creates the same keys as its rivals, in the same order, and says which it won. */
async function create(store, argument_) {
  const { name, keys } = JSON.parse(argument_);
  await untilTold();
  for (let at = 0; at < keys; at++) {
    const put = await store.put(`race/${at}`, encode(name), { if: 'absent' });
    say([put.status, at]);
  }
}

/** Adds to one counter by compare-and-swap; the body also lists who added, which decides unknown ends. */
async function increment(store, argument_) {
  const { name, times } = JSON.parse(argument_);
  await untilTold();
  for (let at = 0; at < times;) {
    const found = await store.get('counter');
    const done = JSON.parse(decode(found.bytes));
    const nonce = `${name}.${at}`;
    if (done.includes(nonce)) {
      at += 1;
      continue;
    }
    const put = await store.put('counter', encode(JSON.stringify([...done, nonce])), {
      if: { version: found.version },
    });
    say([put.status, nonce]);
    if (put.status === 'applied') at += 1;
  }
}

/** Writes, swaps and deletes a few keys for ever, saying each intent before and each acknowledgement after. */
async function churn(store, argument_) {
  const { keys, first } = JSON.parse(argument_);
  for (let number = first; ; number++) {
    const key = `churn/${Math.floor(Math.random() * keys)}`;
    const found = await store.get(key);
    const body = bodyOf(key, number);
    const choice = Math.random();
    say(['intent', key, choice < 0.2 ? -1 : number]);
    if (choice < 0.2) await store.delete([key]);
    else if (choice < 0.4) await mustApply(store.put(key, body, { if: 'any' }));
    else if (found.status === 'absent') await mustApply(store.put(key, body, { if: 'absent' }));
    else await mustApply(store.put(key, body, { if: { version: found.version } }));
    say(['done', key]);
  }
}

async function mustApply(put) {
  const { status } = await put;
  if (status !== 'applied') throw new Error(`alone in the store, and a put was ${status}`);
}

/** The body says what it is, and its length follows from its number: a torn one is found out. */
function bodyOf(key, number) {
  return encode(`${key} ${number} `.repeat(1 + ((number * 7_919) % 3_000)));
}

function untilTold() {
  say(['ready']);
  return new Promise((resolve) => {
    process.stdin.once('data', () => {
      process.stdin.pause();
      resolve();
    });
  });
}
