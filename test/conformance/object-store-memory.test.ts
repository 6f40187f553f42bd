/** The conformance suite of the store port on the memory adapter. Both clients are the one object: memory has no other. */
import { memoryStore } from '../../core/store/index.js';
import { describeObjectStore } from './object-store.js';

describeObjectStore('memory', async () => ({
  store: memoryStore({ clock: { wallMs: () => Date.now() } }),
  dispose: async () => {},
}));
