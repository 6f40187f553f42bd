/** The conformance suite of the store port on the wrappers that a database may have around its adapter: they change nothing of it. */
import { tierLimits } from '../../core/base/limits.js';
import { accountingStore, boundingStore, hedgingStore, memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { systemClock, systemSleep } from '../../core/system-ports.js';
import { describeObjectStore } from './object-store.js';

const ports = { clock: systemClock, sleep: systemSleep };
const parallel = tierLimits.edge.requestsParallel;

describeObjectStore('bounded and hedged memory', () => {
  const inner = memoryStore({ clock: systemClock });
  const wrapped = (): ObjectStore =>
    accountingStore(hedgingStore(boundingStore(inner, { ...ports, parallel }), ports));
  return Promise.resolve({
    store: wrapped(),
    openAnother: () => Promise.resolve(wrapped()),
    dispose: () => Promise.resolve(),
  });
});
