/** What the wire carries: its names, its shapes, and the errors for what does not fit them. */
export { mustMatch, shown, unknownField } from './checks.js';
export { component, components } from './components.js';
export type { NamedSchemas } from './components.js';
export {
  asOf,
  bulkArray,
  componentRef,
  consistency,
  count,
  described,
  facets,
  filterField,
  idJson,
  include,
  includeDeleted,
  integer,
  orderBy,
  sequence,
  timeoutMs,
  vectorField,
} from './parts.js';
export { camelKeys, respellNames, snakeDeep, snakeKeys } from './spelling.js';
