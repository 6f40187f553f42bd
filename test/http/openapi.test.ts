/**
 * The OpenAPI document: structurally sound, the same routes as the router in both directions, and every example fits its
 * schema. That answers fit too is held by the suite's client, on every answer.
 */
import { describe, expect, test } from 'vitest';
import { openApiDocument, pathsOf } from '../../functions/http/routes/openapi.js';
import { RouteFinder } from '../../functions/http/routes/router.js';
import { namedSchemas, routes } from '../../functions/http/routes/table.js';
import { resolveRef, violations } from './suite/schema-check.js';
import type { Content, OpenApi, Operation, Parameter, Schema } from './suite/schema-check.js';

const document = JSON.parse(
  JSON.stringify(openApiDocument({ routes, components: namedSchemas, version: '1.2.3' })),
) as OpenApi;

interface Described {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const operations: readonly Described[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

function everyNode(value: unknown, visit: (node: Readonly<Record<string, unknown>>) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Readonly<Record<string, unknown>>);
  for (const inner of Object.values(value)) everyNode(inner, visit);
}

describe('the document and the router', () => {
  const finder = new RouteFinder(routes);
  const sample = (path: string): string =>
    `http://h${path.replace('{ns}', 'default').replace('{name}', 'c')}`;

  test('every operation is routed to the route that describes it', async () => {
    for (const { method, path, operation } of operations) {
      const found = await finder.tryFind(method, sample(path));
      expect(found?.route.operation, `${method} ${path}`).toBe(
        operation.operationId.replace('InNamespace', ''),
      );
      expect(found?.route.method).toBe(method);
    }
  });

  test('every route is described, at every path that it is served at', () => {
    const described = operations.map(({ method, path }) => `${method} ${path}`).sort();
    const routed = routes.flatMap((route) => pathsOf(route).map((path) => `${route.method} ${path}`)).sort();
    expect(described).toEqual(routed);
    expect(new Set(described).size).toBe(described.length);
    expect(routes.length).toBeGreaterThanOrEqual(20);
  });
});

describe('the document', () => {
  test('is OpenAPI 3.1 with what that requires', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Cairn', version: '1.2.3' });
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations) {
      expect(path).toMatch(/^\//);
      expect(operation.summary, path).toMatch(/^[A-Z].*[^.]$/);
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^(?:[1-5]\d\d|default)$/);
        const { description } =
          response.$ref === undefined ? response : (resolveRef(document, response.$ref) as typeof response);
        expect(description).not.toBe('');
      }
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
    }
  });

  test('declares the parameters of each path, and no others', () => {
    for (const { path, operation } of operations) {
      const parameters = operation.parameters.map((each) =>
        each.$ref === undefined ? each : (resolveRef(document, each.$ref) as Parameter),
      );
      const inPath = parameters.filter((each) => each.in === 'path').map(({ name }) => name);
      expect(new Set(inPath)).toEqual(new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)));
      for (const each of parameters) {
        expect(['path', 'query', 'header']).toContain(each.in);
        expect(each.schema, `${path} ${each.name}`).toBeTypeOf('object');
        if (each.in === 'path') expect(each.required).toBe(true);
      }
    }
  });

  test('has references that lead somewhere, and no component that nothing uses', () => {
    const used = new Set<string>();
    everyNode(document, (node) => {
      const pointer = node['$ref'];
      if (typeof pointer !== 'string') return;
      expect(resolveRef(document, pointer)).toBeDefined();
      used.add(pointer);
    });
    for (const kind of ['schemas', 'parameters', 'responses'] as const) {
      for (const name of Object.keys(document.components[kind]))
        expect(used).toContain(`#/components/${kind}/${name}`);
    }
  });

  test('locks all but health and readiness with the bearer key', () => {
    expect(document.security).toEqual([{ key: [] }]);
    expect(document.components.securitySchemes['key']).toMatchObject({ type: 'http', scheme: 'bearer' });
    const open = operations
      .filter(({ operation }) => operation.security?.length === 0)
      .map(({ path }) => path);
    expect(open.sort()).toEqual(['/health', '/ready']);
  });

  const contents = operations.flatMap(({ method, path, operation }) =>
    [operation.requestBody, ...Object.values(operation.responses)].flatMap((part) =>
      Object.entries(part?.content ?? {}).map(
        ([type, content]) => [`${method} ${path} ${type}`, content] as [string, Content],
      ),
    ),
  );

  test('has an example for every JSON body, and each fits its schema', () => {
    let checked = 0;
    for (const [where, { schema, examples = {} }] of contents) {
      for (const [name, { summary, value }] of Object.entries(examples)) {
        expect(summary).not.toBe('');
        expect(violations(schema, value, document), `${where} ${name}`).toEqual([]);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(60);
    for (const { path, operation } of operations) {
      const { schema, examples } = operation.requestBody?.content['application/json'] ?? {
        schema: {},
        examples: {},
      };
      if (operation.requestBody !== undefined) expect(Object.keys(examples ?? {}), path).not.toEqual([]);
      expect(schema).toBeTypeOf('object');
    }
  });

  test('describes what it refuses: unknown fields, wrong types, excess', () => {
    const query = document.components.schemas['Query'] as Schema;
    expect(violations(query, { vector: [1], k: 3 }, document)).toEqual([]);
    expect(violations(query, { vector: [1], kk: 3 }, document)).not.toEqual([]);
    expect(violations(query, { vector: {} }, document)).not.toEqual([]);
    expect(violations(query, { vector: [1], k: 10_001 }, document)).not.toEqual([]);
    expect(violations(query, { vector: [1], target_recall: 0 }, document)).not.toEqual([]);
    for (const asOf of [3, '2030-01-01T00:00:00Z'])
      expect(violations(query, { vector: [1], as_of: asOf }, document)).toEqual([]);
    for (const asOf of [-1, 1.5, null, ['x']])
      expect(violations(query, { vector: [1], as_of: asOf }, document)).not.toEqual([]);
  });
});
