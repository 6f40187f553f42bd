/**
 * The conformance suite of the store port on a memory store with a warm cache before it: of keys that may change nothing is
 * different. What the cache answers itself is compared with the bucket in test/store/warm-store.test.ts.
 */
import { memoryStore, warmStore } from '../../core/store/index.js';
import { trySegmentObject } from '../../core/log/index.js';
import { digests } from '../segment/fixture.js';
import { MapCache } from '../store/map-cache.js';
import { describeObjectStore } from './object-store.js';

describeObjectStore('memory behind a warm cache', async () => {
  const options = { cache: new MapCache(), digests, identity: 'memory:', placeOf: trySegmentObject };
  return {
    store: warmStore(memoryStore({ clock: { wallMs: () => Date.now() } }), options),
    dispose: async () => {},
  };
});
