/**
 * Finds the route of a method and path. Patterns are the route table's; what no route takes is told apart as an
 * unknown path (404) or a method that the path does not have (405 with Allow).
 */
import { Router } from 'itty-router/Router';
import { CairnError, invalid } from '../../../core/base/errors.js';
import { mustBeName } from '../../../core/base/ids.js';
import { pathsOf } from './openapi.js';
import type { Route } from './route.js';

export interface Found {
  readonly route: Route;
  /** The collection and the snapshot that the path names, empty where the route has none. */
  readonly name: string;
  readonly snapshot: string;
}

interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

export class RouteFinder {
  readonly #router = Router<{ method: string; url: string; params: Record<string, string> }>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const verb = route.method.toLowerCase() as 'get' | 'put' | 'post' | 'patch' | 'delete';
      for (const path of pathsOf(route)) {
        const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
        this.#router[verb](pattern, ({ params }): Match => ({ route, params }));
      }
    }
  }

  /** Returns undefined where no route takes this method and path. HEAD is answered by GET's route. */
  async tryFind(method: string, url: string): Promise<Match | undefined> {
    const effective = method === 'HEAD' ? 'GET' : method;
    return (await this.#router.fetch({ method: effective, url })) as Match | undefined;
  }

  /** The methods that a path answers, empty where there is no such path. */
  methodsOf(path: string): string[] {
    const methods = this.#router.routes.filter(([, pattern]) => pattern.test(path)).map(([method]) => method);
    if (methods.length === 0) return [];
    return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].sort();
  }
}

/** Decodes what a path names and checks that it can be a name. Throws `not_found` for a namespace that is not there. */
export function namesIn({ route, params }: Match): Found {
  const namespace = params['ns'] === undefined ? 'default' : mustBeName(decoded(params['ns']), 'namespace');
  if (namespace !== 'default') {
    throw new CairnError(
      'not_found',
      'namespace_not_found',
      `there is no namespace ${JSON.stringify(namespace)}`,
      {
        details: { namespace },
      },
    );
  }
  const name = params['name'] === undefined ? '' : mustBeName(decoded(params['name']), 'collection');
  const snapshot =
    params['snapshot'] === undefined ? '' : mustBeName(decoded(params['snapshot']), 'snapshot');
  return { route, name, snapshot };
}

export function noRoute(method: string, path: string, allowed: readonly string[]): CairnError {
  const where = JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
  if (allowed.length === 0) {
    return new CairnError('not_found', 'route_not_found', `there is nothing at ${where}: see /openapi.json`);
  }
  const allow = allowed.join(', ');
  return invalid(
    'method_not_allowed',
    `${method.slice(0, 20)} does not work on ${where}: it answers ${allow}`,
    { allow },
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalid('invalid_name', `${JSON.stringify(segment.slice(0, 140))} is not percent-encoded UTF-8`);
  }
}
