/** Bytes of a request, bounded, into text and JSON. */
export { decodeUtf8, parseJson, parseJsonBytes } from './json.js';
export type { HostBytes } from './json.js';
export { jsonFault } from './json-fault.js';
export { mustBeParsable } from './json-shape.js';
export { readBody } from './reader.js';
export type { Body, BodyKind } from './reader.js';
