/** What callers pass, checked and made into what the engine works on. */
export { checkWrite, mustStillHold, tryCheckWrite } from './checked-write.js';
export { parseCursor, toCursor, toOrderedCursor } from './cursor.js';
export type { OrderPosition } from './cursor.js';
export { parseInclude } from './include.js';
export type { Projection } from './include.js';
export {
  isPlainObject,
  kindOf,
  mustBeBatch,
  mustBeObject,
  mustHaveOnly,
  optionalBoolean,
  optionalInteger,
} from './input-shape.js';
export type { UnknownObject } from './input-shape.js';
export { keepInput } from './kept-input.js';
export { documentOf, mergePatch, metadataToText, mustBeStorable, sameJson } from './metadata.js';
export { parseFacets } from './order-parser.js';
export type { Facet, OrderField } from './order-parser.js';
export {
  DEFAULT_EFFORT,
  READ_FIELDS,
  SEEN_FIELDS,
  parseFilterOption,
  parseQuery,
  parseRead,
} from './query-parser.js';
export type { ParsedQuery, ParsedRead, WantedEffort, WantedIndex } from './query-parser.js';
export type { RecordParser } from './records.js';
export { parseScan } from './scan-parser.js';
export { differingSettings, mustBeTier, resolveSettings, settingsInEffect } from './settings.js';
export { isUsable, VectorParser } from './vectors.js';
export type {
  ParsedDelete,
  ParsedFilterPatch,
  ParsedPatch,
  ParsedPatchRecord,
  ParsedWrite,
} from './write-parser.js';
export { parseWriteOptions } from './write-options.js';
