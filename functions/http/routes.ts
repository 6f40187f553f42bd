/** The route table: all that this interface answers. */
import { collectionComponents, collectionRoutes } from './routes-collections.js';
import { readComponents, readRoutes } from './routes-reads.js';
import { serviceRoutes } from './routes-service.js';
import { writeRoutes } from './routes-writes.js';
import { components } from './components.js';
import type { NamedSchemas, Route } from './route.js';

export const routes: readonly Route[] = [
  ...serviceRoutes,
  ...collectionRoutes,
  ...writeRoutes,
  ...readRoutes,
];

export const namedSchemas: NamedSchemas = { ...components, ...collectionComponents, ...readComponents };
