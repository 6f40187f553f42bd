/**
 * Judges a template of CloudFormation by AWS's own list of resource types: every type, property and attribute is known and every
 * required property there, every reference leads somewhere, and what a template must not have, whatever AWS would take, is not there.
 */
import { statementProblems } from './iam-policy.js';
import type { PolicyStatement } from './iam-policy.js';

export interface Template {
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: unknown;
}

export interface Resource {
  readonly Type: string;
  readonly DependsOn?: string | readonly string[];
  readonly DeletionPolicy?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** As much of `@aws-cdk/aws-service-spec` as is used here. */
export interface ServiceSpec {
  lookup(
    entity: 'resource',
    index: 'cloudFormationType',
    by: 'equals',
    type: string,
  ): readonly ResourceType[];
  get(entity: 'typeDefinition', reference: object): { readonly properties: Properties };
}

type Properties = Readonly<Record<string, { readonly type: PropertyType; readonly required?: boolean }>>;

interface ResourceType {
  readonly properties: Properties;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type PropertyType =
  | { readonly type: 'ref'; readonly reference: object }
  | { readonly type: 'array' | 'map'; readonly element: PropertyType }
  | { readonly type: 'union'; readonly types: readonly PropertyType[] }
  | { readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'json' | 'tag' };

/** Empty where all is well. */
export function templateProblems(template: Template, spec: ServiceSpec): string[] {
  const resources = Object.entries(template.Resources);
  return [
    ...resources.flatMap(([name, resource]) => shapeProblems(name, resource, spec)),
    ...referenceProblems(template, spec),
    ...resources.flatMap(([name, resource]) => ruleProblems(name, resource)),
  ];
}

function shapeProblems(name: string, { Type, Properties = {} }: Resource, spec: ServiceSpec): string[] {
  const [known] = spec.lookup('resource', 'cloudFormationType', 'equals', Type);
  if (known === undefined) return [`${name}: AWS knows no ${Type}`];
  return propertyProblems(name, Properties, known.properties, spec);
}

function propertyProblems(
  path: string,
  given: Readonly<Record<string, unknown>>,
  known: Properties,
  spec: ServiceSpec,
): string[] {
  const missing = Object.entries(known).filter(([key, { required }]) => required === true && !(key in given));
  return [
    ...missing.map(([key]) => `${path}: ${key} is missing`),
    ...Object.entries(given).flatMap(([key, value]) => {
      const property = known[key];
      return property === undefined
        ? [`${path}: AWS knows no ${key}`]
        : valueProblems(`${path}.${key}`, value, property.type, spec);
    }),
  ];
}

function valueProblems(path: string, value: unknown, type: PropertyType, spec: ServiceSpec): string[] {
  if (isFunction(value)) return [];
  switch (type.type) {
    case 'union': {
      const tries = type.types.map((one) => valueProblems(path, value, one, spec));
      return tries.find((problems) => problems.length === 0) ?? tries[0] ?? [];
    }
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((one, at) => valueProblems(`${path}[${at}]`, one, type.element, spec))
        : [`${path} is no list`];
    case 'map':
      return Object.entries(value as object).flatMap(([key, one]) =>
        valueProblems(`${path}.${key}`, one, type.element, spec),
      );
    case 'ref':
      return isObject(value)
        ? propertyProblems(path, value, spec.get('typeDefinition', type.reference).properties, spec)
        : [`${path} is no object`];
    case 'integer':
    case 'number':
      return typeof value === 'number' ? [] : [`${path} is no number`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${path} is no truth value`];
    case 'string':
      return typeof value === 'string' ? [] : [`${path} is no text`];
    default:
      return [];
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What CloudFormation replaces by a value. */
function isFunction(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [key, ...others] = Object.keys(value);
  return others.length === 0 && key !== undefined && (key === 'Ref' || key.startsWith('Fn::'));
}

function referenceProblems(template: Template, spec: ServiceSpec): string[] {
  const { Resources, Parameters = {} } = template;
  const named = (name: string): boolean =>
    name.startsWith('AWS::') || name in Parameters || name in Resources;
  const attribute = (name: string, path: string): boolean => {
    const type = Resources[name]?.Type ?? '';
    const [known] = spec.lookup('resource', 'cloudFormationType', 'equals', type);
    return known !== undefined && path in known.attributes;
  };
  const needs = Object.entries(Resources).flatMap(([name, { DependsOn = [] }]) =>
    [DependsOn].flat().flatMap((other) => (other in Resources ? [] : [`${name} depends on ${other}`])),
  );
  return [...needs, ...referencesIn(template).filter((text) => !leadsSomewhere(text))];

  function leadsSomewhere(reference: string): boolean {
    const [name = '', ...path] = reference.split('.');
    return path.length === 0 ? named(name) : attribute(name, path.join('.'));
  }
}

/** `Name` or `Name.Attribute`, from wherever in the template they stand. */
function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    if (key === 'Ref' && typeof one === 'string') return [one];
    if (key === 'Fn::GetAtt') return [(Array.isArray(one) ? one : [one]).join('.')];
    if (key === 'Fn::Sub') {
      const text = Array.isArray(one) ? String(one[0]) : String(one);
      return [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name]) => name!);
    }
    return referencesIn(one);
  });
}

function ruleProblems(name: string, { Type, Properties = {} }: Resource): string[] {
  const statements = statementsIn(Properties).flatMap((one) =>
    statementProblems(one).map((text) => `${name}: ${text}`),
  );
  if (Type === 'AWS::Logs::LogGroup' && typeof Properties['RetentionInDays'] !== 'number')
    return [...statements, `${name} keeps its lines for ever`];
  if (Type === 'AWS::S3::Bucket' && Properties['AccessControl'] !== undefined)
    return [...statements, `${name} has an access control list`];
  return statements;
}

function statementsIn(value: unknown): PolicyStatement[] {
  if (Array.isArray(value)) return value.flatMap(statementsIn);
  if (!isObject(value)) return [];
  const own = value['Statement'];
  if (own !== undefined) return [own].flat() as PolicyStatement[];
  return Object.values(value).flatMap(statementsIn);
}
