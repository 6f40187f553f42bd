/**
 * What a route is: one entry of the table that the router, the lock, the metrics and the OpenAPI document are made of.
 */
import type { z } from 'zod';
import type { Collection, Database, WriteOptions } from '../../../core/index.js';
import type { BodyKind } from '../body/index.js';
import type { Access } from '../access/index.js';

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/** What the routes may use of the app. */
export interface Services {
  readonly version: string;
  /** Aborted when the host is told to stop. */
  readonly stopping: AbortSignal | undefined;
  /** One request to the store, or the good news of one that was just made. */
  ping(): Promise<void>;
  metricsText(): Promise<string>;
  openApiText(): string;
}

/** One request that has found its route, been let in, and not been read yet. */
export interface Call {
  readonly services: Services;
  readonly url: URL;
  /** Requires: a route under /collections. */
  readonly database: Database;
  /** The collection that the path names. Requires: a route under a collection. */
  readonly collection: Collection;
  /** The snapshot that the path names. Requires: a route on one. */
  readonly snapshot: string;
  /** The idempotency key (made up where the client sent none) and the first tail. Requires: `writes` of the route. */
  readonly write: WriteOptions & { readonly idempotencyKey: string };
  /** The body as text where it is NDJSON, undefined where it is JSON or empty. */
  ndjson(): Promise<string | undefined>;
  /** The body as JSON; an absent one is an empty object where the route says that it may be. */
  json(): Promise<unknown>;
}

export interface Reply {
  readonly status: number;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, with `type`. */
  readonly text?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RouteAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Content type where it is not JSON. */
  readonly type?: string;
}

export interface RouteExample {
  readonly summary: string;
  readonly request?: unknown;
  readonly answer: unknown;
}

export interface Route {
  /** The operationId of the OpenAPI document. */
  readonly operation: string;
  readonly method: Method;
  /** As OpenAPI writes it. Paths under `/collections` are served below `/v1` and below `/v1/namespaces/{ns}`. */
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  readonly description?: string;
  /** Takes the headers of a write. */
  readonly writes?: true;
  readonly parameters?: z.ZodObject;
  readonly body?: {
    /** Describes the JSON body. The handler checks with the alternative that the body calls for. */
    readonly schema: z.ZodType;
    readonly optional?: true;
    readonly accept: readonly BodyKind[];
  };
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  readonly examples: readonly RouteExample[];
  readonly run: (call: Call) => Promise<Reply>;
}

export function ok(json: unknown): Reply {
  return { status: 200, json };
}

/** Whether the route works on a collection that its path names. */
export function isOfCollection(route: Route): boolean {
  return route.path.startsWith('/collections/{name}');
}
