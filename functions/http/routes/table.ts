/** The route table: all that this interface answers. */
import { components } from '../schema/index.js';
import type { NamedSchemas } from '../schema/index.js';
import { collectionComponents, collectionRoutes } from './collections.js';
import { pastRoutes } from './past.js';
import { readComponents, readRoutes } from './reads.js';
import { serviceRoutes } from './service.js';
import { snapshotRoutes } from './snapshots.js';
import { writeRoutes } from './writes.js';
import type { Route } from './route.js';

export const routes: readonly Route[] = [
  ...serviceRoutes,
  ...collectionRoutes,
  ...snapshotRoutes,
  ...pastRoutes,
  ...writeRoutes,
  ...readRoutes,
];

export const namedSchemas: NamedSchemas = { ...components, ...collectionComponents, ...readComponents };
