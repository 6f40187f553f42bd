/**
 * The OpenAPI 3.1 document, made of the route table and of the very schemas that requests are checked with.
 */
import * as z from 'zod';
import { limits } from '../../../core/base/limits.js';
import { componentRef } from '../schema/index.js';
import type { NamedSchemas } from '../schema/index.js';
import { isOfCollection } from './route.js';
import type { Route, RouteExample } from './route.js';

type Json = Record<string, unknown>;

const inNamespace = '/v1/namespaces/{ns}';
const inDefault = '/v1';

/** Every path that a route is served at, as OpenAPI writes it. */
export function pathsOf(route: Route): string[] {
  if (!route.path.startsWith('/collections')) return [route.path];
  return [`${inDefault}${route.path}`, `${inNamespace}${route.path}`];
}

export interface OpenApiSource {
  readonly routes: readonly Route[];
  readonly components: NamedSchemas;
  readonly version: string;
}

export function openApiDocument({ routes, components, version }: OpenApiSource): Json {
  const schemas = new SchemaWriter(components);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    for (const path of pathsOf(route)) {
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, path, schemas) };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Cairn',
      version,
      description:
        'A vector database whose only durable state is an object-store bucket. Errors are RFC 9457 problem documents ' +
        'with a stable `code`. Bodies are JSON in UTF-8, may be gzipped, and have at most ' +
        `${limits.bodyBytes} bytes once inflated.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths,
    components: {
      schemas: schemas.components(),
      responses: { Problem: problemResponse },
      parameters: sharedParameters,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'One of CAIRN_API_KEYS.' } },
    },
  };
}

const problemResponse = {
  description: 'An error.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

const name = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$';

const sharedParameters = {
  Collection: {
    name: 'name',
    in: 'path',
    required: true,
    description: 'The collection.',
    schema: { type: 'string', pattern: name },
  },
  Snapshot: {
    name: 'snapshot',
    in: 'path',
    required: true,
    description: 'The snapshot.',
    schema: { type: 'string', pattern: name },
  },
  Namespace: {
    name: 'ns',
    in: 'path',
    required: true,
    description: 'The namespace: `default`.',
    schema: { type: 'string', pattern: name },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes a repeat safe: the same key and request get the first answer again, the same key with another request 422.',
    schema: { type: 'string', pattern: '^[ -~]+$', minLength: 1, maxLength: limits.idempotencyKeyBytes },
  },
  FirstTail: {
    name: 'Cairn-First-Tail',
    in: 'header',
    description: 'With a repeat after 503 `outcome_unknown`: the `first_tail` of that answer.',
    schema: { type: 'integer', minimum: 0 },
  },
};

function operation(route: Route, path: string, schemas: SchemaWriter): Json {
  const inOther = path.startsWith(inNamespace);
  return {
    operationId: inOther ? `${route.operation}InNamespace` : route.operation,
    tags: [tagOf(route)],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.access === 'guarded' ? {} : { security: [] }),
    parameters: parameters(route, inOther, schemas),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, route.body, schemas) }),
    responses: responses(route, schemas),
  };
}

function tagOf(route: Route): string {
  if (!route.path.startsWith('/collections')) return 'server';
  if (route.writes === true) return 'writes';
  return /query|fetch|count|scan/.test(route.operation) ? 'reads' : 'collections';
}

function parameters(route: Route, inOther: boolean, schemas: SchemaWriter): Json[] {
  const refs = [
    ...(inOther ? ['Namespace'] : []),
    ...(isOfCollection(route) ? ['Collection'] : []),
    ...(route.path.includes('{snapshot}') ? ['Snapshot'] : []),
    ...(route.writes === true ? ['IdempotencyKey', 'FirstTail'] : []),
  ].map((shared) => ({ $ref: `#/components/parameters/${shared}` }));
  const fields = Object.entries(route.parameters?.shape ?? {}).map(([field, schema]) => {
    const { description, ...json } = schemas.of(schema as z.ZodType);
    return { name: field, in: 'query', required: false, description, schema: json };
  });
  return [...refs, ...fields];
}

function requestBody(route: Route, body: NonNullable<Route['body']>, schemas: SchemaWriter): Json {
  const content: Json = {
    'application/json': {
      schema: schemas.of(body.schema),
      examples: examples(route.examples, ({ request }) => request),
    },
  };
  if (body.accept.includes('ndjson')) {
    content['application/x-ndjson'] = {
      schema: { type: 'string', description: 'One RecordInput per line.' },
      examples: { lines: { summary: 'Two records', value: ndjsonExample } },
    };
  }
  return { required: body.optional !== true, content };
}

const ndjsonExample = '{"id":"a","vector":[1,2,3]}\n{"id":"b","vector":[4,5,6],"metadata":{"year":2021}}\n';

function responses(route: Route, schemas: SchemaWriter): Json {
  const answers = Object.entries(route.answers).map(([status, { description, schema, type }], at) => {
    if (type !== undefined)
      return [status, { description, content: { [type]: { schema: { type: 'string' } } } }];
    if (schema === undefined) return [status, { description }];
    const shown = at === 0 ? { examples: examples(route.examples, ({ answer }) => answer) } : {};
    return [
      status,
      { description, content: { 'application/json': { schema: schemas.of(schema), ...shown } } },
    ];
  });
  const problems = problemsOf(route).map((status) => [status, { $ref: '#/components/responses/Problem' }]);
  return Object.fromEntries([...answers, ...problems]) as Json;
}

/** The statuses of errors that this route may answer, besides those of a broken request (`default`). */
function problemsOf(route: Route): string[] {
  if (route.access === 'health') return ['default'];
  const creates = route.answers[201] !== undefined;
  return [
    ...(route.body === undefined && route.parameters === undefined && !isOfCollection(route) ? [] : ['400']),
    ...(route.access === 'guarded' ? ['401'] : []),
    ...(route.path.startsWith('/collections') ? ['404'] : []),
    ...(route.writes === true || creates ? ['409'] : []),
    ...(route.body === undefined ? [] : ['413', '415']),
    ...(route.writes === true ? ['422'] : []),
    ...(route.writes === true || creates ? ['429'] : []),
    '503',
    'default',
  ];
}

function examples(all: readonly RouteExample[], pick: (example: RouteExample) => unknown): Json {
  const shown = all
    .map((example, at) => [`example${at + 1}`, { summary: example.summary, value: pick(example) }] as const)
    .filter(([, { value }]) => value !== undefined);
  return Object.fromEntries(shown);
}

/** JSON Schemas of zod schemas, in which a named one is a reference wherever it occurs. */
class SchemaWriter {
  readonly #components: NamedSchemas;

  constructor(components: NamedSchemas) {
    this.#components = components;
  }

  of(schema: z.ZodType): Json {
    return this.#reference(schema) ?? this.#write(schema);
  }

  components(): Json {
    return Object.fromEntries(
      Object.entries(this.#components).map(([id, schema]) => [id, this.#write(schema)]),
    );
  }

  #reference(schema: unknown): Json | undefined {
    const named = Object.entries(this.#components).find(([, component]) => component === schema);
    return named === undefined ? undefined : componentRef(named[0]);
  }

  #write(schema: z.ZodType): Json {
    const { $schema: _, ...written } = z.toJSONSchema(schema, {
      unrepresentable: 'any',
      io: 'input',
      override: ({ zodSchema, jsonSchema, path }) => {
        const reference = path.length === 0 ? undefined : this.#reference(zodSchema);
        if (reference !== undefined) replaceWith(jsonSchema, reference);
        // zod states the range of safe integers for every integer.
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      },
    });
    return written;
  }
}

function replaceWith(target: Json, source: Json): void {
  for (const key of Object.keys(target)) delete target[key];
  Object.assign(target, source);
}
