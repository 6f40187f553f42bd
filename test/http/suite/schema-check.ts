/**
 * Holds a value against a JSON Schema of the OpenAPI document. Knows the keywords that the document uses and throws on
 * any other, so that no constraint passes unread.
 */

export type Schema = Readonly<Record<string, unknown>>;

export interface OpenApi {
  readonly openapi: string;
  readonly info: Schema;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
    readonly securitySchemes: Readonly<Record<string, Schema>>;
  };
  readonly security: readonly Schema[];
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface Content {
  readonly schema: Schema;
  readonly examples?: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;
}

export interface ResponseObject {
  readonly $ref?: string;
  readonly description: string;
  readonly content?: Readonly<Record<string, Content>>;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security?: readonly Schema[];
  readonly parameters: readonly (Parameter & { readonly $ref?: string })[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, ResponseObject>>;
}

/** What `pointer` (`#/components/…`) leads to. */
export function resolveRef(document: OpenApi, pointer: string): unknown {
  const found = pointer
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
  if (found === undefined) throw new Error(`${pointer} leads nowhere`);
  return found;
}

const annotations = ['description', 'format', 'contentEncoding', 'examples', 'title', 'default'];

type Check = (argument: never, value: unknown, at: string, all: Schema, document: OpenApi) => string[];

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeOf(value) === 'object';
}

const checks: Readonly<Record<string, Check>> = {
  $ref: (pointer: string, value, at, _all, document) =>
    violations(resolveRef(document, pointer) as Schema, value, document, at),
  type: (types: string | readonly string[], value, at) => {
    const fits = [types]
      .flat()
      .some((type) => (type === 'integer' ? Number.isInteger(value) : typeOf(value) === type));
    return fits ? [] : [`${at} is ${typeOf(value)}, not ${String(types)}`];
  },
  properties: (properties: Readonly<Record<string, Schema>>, value, at, _all, document) =>
    !isObject(value)
      ? []
      : Object.entries(properties).flatMap(([key, schema]) =>
          Object.hasOwn(value, key) ? violations(schema, value[key], document, `${at}.${key}`) : [],
        ),
  required: (keys: readonly string[], value, at) =>
    isObject(value)
      ? keys.filter((key) => !Object.hasOwn(value, key)).map((key) => `${at}.${key} is missing`)
      : [],
  additionalProperties: (schema: boolean | Schema, value, at, all, document) => {
    const known = Object.keys((all['properties'] as object | undefined) ?? {});
    const extra = isObject(value) ? Object.keys(value).filter((key) => !known.includes(key)) : [];
    if (typeof schema === 'boolean') return schema ? [] : extra.map((key) => `${at}.${key} is not known`);
    return extra.flatMap((key) =>
      violations(schema, (value as Readonly<Record<string, unknown>>)[key], document, `${at}.${key}`),
    );
  },
  propertyNames: (schema: Schema, value, at, _all, document) =>
    isObject(value)
      ? Object.keys(value).flatMap((key) => violations(schema, key, document, `${at} key`))
      : [],
  items: (schema: Schema, value, at, _all, document) =>
    Array.isArray(value) ? value.flatMap((item, i) => violations(schema, item, document, `${at}[${i}]`)) : [],
  minItems: (least: number, value, at) =>
    Array.isArray(value) && value.length < least ? [`${at} is too short`] : [],
  maxItems: (most: number, value, at) =>
    Array.isArray(value) && value.length > most ? [`${at} is too long`] : [],
  minLength: (least: number, value, at) =>
    typeof value === 'string' && value.length < least ? [`${at} is too short`] : [],
  maxLength: (most: number, value, at) =>
    typeof value === 'string' && value.length > most ? [`${at} is too long`] : [],
  pattern: (pattern: string, value, at) =>
    typeof value === 'string' && !new RegExp(pattern, 'u').test(value)
      ? [`${at} does not match ${pattern}`]
      : [],
  minimum: (least: number, value, at) =>
    typeof value === 'number' && value < least ? [`${at} is too small`] : [],
  maximum: (most: number, value, at) =>
    typeof value === 'number' && value > most ? [`${at} is too large`] : [],
  exclusiveMinimum: (bound: number, value, at) =>
    typeof value === 'number' && value <= bound ? [`${at} is too small`] : [],
  enum: (values: readonly unknown[], value, at) =>
    values.includes(value) ? [] : [`${at} is none of ${values.join()}`],
  const: (wanted: unknown, value, at) => (value === wanted ? [] : [`${at} is not ${String(wanted)}`]),
  anyOf: (schemas: readonly Schema[], value, at, _all, document) => {
    const found = schemas.map((schema) => violations(schema, value, document, at));
    return found.some((each) => each.length === 0) ? [] : [`${at} fits none: ${found.flat().join('; ')}`];
  },
  oneOf: (schemas: readonly Schema[], value, at, _all, document) => {
    const found = schemas.map((schema) => violations(schema, value, document, at));
    const fitting = found.filter((each) => each.length === 0).length;
    return fitting === 1 ? [] : [`${at} fits ${fitting}: ${found.flat().join('; ')}`];
  },
};

/** What is wrong with `value`; empty where it fits. */
export function violations(schema: Schema, value: unknown, document: OpenApi, at = '$'): string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    if (annotations.includes(keyword)) return [];
    const check = checks[keyword];
    if (check === undefined) throw new Error(`keyword ${keyword} is not known to this check (${at})`);
    return check(argument as never, value, at, schema, document);
  });
}
