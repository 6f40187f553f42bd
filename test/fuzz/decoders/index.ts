/** Every decoder of bytes and texts that come from a bucket, a client or a file of settings. */
import type { Decoder } from '../decoder.js';
import { base64 } from './base64.js';
import { batch } from './batch.js';
import { collection } from './collection.js';
import { cursors } from './cursors.js';
import { deletions } from './deletions.js';
import { entry } from './entry.js';
import { expiries } from './expiries.js';
import { filters } from './filters.js';
import { footer } from './footer.js';
import { gzip } from './gzip.js';
import { head } from './head.js';
import { jsonBodies } from './json-bodies.js';
import { log } from './log.js';
import { ndjson } from './ndjson.js';
import { requests } from './requests.js';
import { root } from './root.js';
import { searchIndex } from './search-index.js';
import { segmentSections } from './segment.js';
import { settings } from './settings.js';
import { slot } from './slot.js';
import { window } from './window.js';

export const decoders: readonly Decoder[] = [
  ...[entry, head, slot, batch, window, root, deletions, footer, expiries],
  ...segmentSections,
  ...[searchIndex, log, collection],
  ...[filters, cursors, base64, gzip, jsonBodies, ndjson, requests, settings],
];
