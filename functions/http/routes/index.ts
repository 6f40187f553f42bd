/** All that this interface answers, how a request finds it, and the document that says so. */
export { openApiDocument } from './openapi.js';
export type { Call, Reply, Route, Services } from './route.js';
export { namesIn, noRoute, RouteFinder } from './router.js';
export type { Found } from './router.js';
export { namedSchemas, routes } from './table.js';
export { writeOptions } from './write-headers.js';
