/**
 * Reads syntax for the rules: which modules a file names, and which names it takes from the world around it.
 * Leans on oxc-parser, because TypeScript 7 has no compiler interface.
 */
import { parseSync, visitorKeys } from 'oxc-parser';
import type { SourceFile } from './tree.js';

/** An ESTree node, loosely: the rules look at few fields of many kinds. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

interface Place {
  readonly parent: Node | undefined;
  readonly field: string;
  /** Names declared in the scopes around the node, innermost last. */
  readonly scopes: readonly ReadonlySet<string>[];
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

export function parse(file: SourceFile): Node {
  const { program, errors } = parseSync(file.path, file.text);
  if (errors.length > 0) throw new Error(`${file.path} does not parse: ${errors[0]?.message}`);
  return program as unknown as Node;
}

export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

export function walk(node: Node, enter: (node: Node, place: Place) => void, place?: Place): void {
  const here = place ?? { parent: undefined, field: '', scopes: [] };
  enter(node, here);
  const own = declaredBy(node);
  const scopes = own.size === 0 ? here.scopes : [...here.scopes, own];
  for (const field of visitorKeys[node.type] ?? []) {
    const children: unknown[] = [node[field]].flat();
    for (const child of children) if (isNode(child)) walk(child, enter, { parent: node, field, scopes });
  }
}

/** The names that a node declares for everything inside it. `var` is banned, so nothing is hoisted further. */
function declaredBy(node: Node): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (pattern: unknown): void => addNames(pattern, names);
  // A function expression or class knows its own name.
  if (/^(?:Function|Class)Expression$/.test(node.type)) add(node['id']);
  for (const field of ['params', 'parameters']) if (Array.isArray(node[field])) node[field].forEach(add);
  if (node.type === 'CatchClause') add(node['param']);
  for (const field of ['init', 'left']) if (node.type.startsWith('For')) addStatement(node[field], names);
  if (Array.isArray(node['body'])) for (const statement of node['body']) addStatement(statement, names);
  if (node.type === 'SwitchStatement') {
    for (const { consequent } of node['cases'] as { consequent: unknown[] }[]) {
      for (const statement of consequent) addStatement(statement, names);
    }
  }
  return names;
}

function addStatement(statement: unknown, names: Set<string>): void {
  if (!isNode(statement)) return;
  if (statement.type.startsWith('Export')) addStatement(statement['declaration'], names);
  if (statement.type === 'ImportDeclaration') {
    for (const { local } of statement['specifiers'] as { local: unknown }[]) addNames(local, names);
  } else if (statement.type === 'VariableDeclaration') {
    for (const { id } of statement['declarations'] as { id: unknown }[]) addNames(id, names);
  } else if (statement.type.endsWith('Declaration')) addNames(statement['id'], names);
}

/** Adds the names that a binding pattern binds. */
function addNames(pattern: unknown, names: Set<string>): void {
  if (!isNode(pattern)) return;
  if (pattern.type === 'Identifier') names.add(pattern['name'] as string);
  for (const field of ['argument', 'left', 'parameter', 'value']) addNames(pattern[field], names);
  for (const field of ['elements', 'properties']) {
    if (Array.isArray(pattern[field])) for (const part of pattern[field]) addNames(part, names);
  }
}

/** Fields that hold a name which refers to nothing: keys, members, labels. */
const namesOnly: Readonly<Record<string, string>> = {
  MemberExpression: 'property',
  Property: 'key',
  MethodDefinition: 'key',
  PropertyDefinition: 'key',
  AccessorProperty: 'key',
  TSAbstractMethodDefinition: 'key',
  TSAbstractPropertyDefinition: 'key',
  TSPropertySignature: 'key',
  TSMethodSignature: 'key',
  TSEnumMember: 'id',
  TSQualifiedName: 'right',
  TSNamedTupleMember: 'label',
  ImportSpecifier: 'imported',
  ExportSpecifier: 'exported',
  ExportAllDeclaration: 'exported',
  LabeledStatement: 'label',
  BreakStatement: 'label',
  ContinueStatement: 'label',
};

/** Whether an identifier refers to something that the file itself does not declare: a global. */
export function isGlobal(node: Node, { parent, field, scopes }: Place): boolean {
  if (node.type !== 'Identifier' || parent === undefined) return false;
  if (namesOnly[parent.type] === field && parent['computed'] !== true) return false;
  if (parent.type === 'ExportSpecifier' || parent.type === 'ImportSpecifier') return false;
  return !scopes.some((scope) => scope.has(node['name'] as string));
}

export interface ModuleReference {
  /** Undefined where `import()` gets something else than a literal. */
  readonly specifier: string | undefined;
  readonly dynamic: boolean;
  readonly line: number;
}

/** Every module that a file names: import, export-from, import(), import types and `import x = require()`. */
export function moduleReferences(file: SourceFile): ModuleReference[] {
  const found: ModuleReference[] = [];
  walk(parse(file), (node) => {
    const source = node.type === 'TSExternalModuleReference' ? node['expression'] : node['source'];
    const names = /^(?:Import|Export\w*|TSImportType|TSExternalModuleReference)/.test(node.type);
    if (!names || (!isNode(source) && node.type !== 'ImportExpression')) return;
    const value = isNode(source) && source.type === 'Literal' ? source['value'] : undefined;
    found.push({
      specifier: typeof value === 'string' ? value : undefined,
      dynamic: node.type === 'ImportExpression',
      line: lineOf(file, node.start),
    });
  });
  return found;
}
