/**
 * The ban on platform names, clock and chance in core/: the engine must run anywhere and give the same trace for the
 * same seed, so all of that arrives through core/base/ports.ts. Names that a file declares itself are its own.
 */
import { isGlobal, isNode, lineOf, moduleReferences, parse, walk } from './syntax.js';
import type { Node } from './syntax.js';
import type { SourceFile } from './tree.js';
import type { Violation } from './violation.js';

const clock = 'take a Clock (core/base/ports.ts) as an argument';
const sleep = 'take a Sleep (core/base/ports.ts) as an argument, and await promises instead of queueing';
const chance = 'take a Random (core/base/ports.ts) as an argument';
const platform =
  'core runs on every platform: take a value or a port as an argument, and let functions/ or cli supply it';
const bytes = 'use Uint8Array and core/base/bytes.ts';
const collector = 'free it explicitly: when the garbage collector runs differs from run to run';
const locale = 'compare with compareUtf8 (core/base/bytes.ts): locales differ from machine to machine';

/** Kinds of ban, so that a composition root can be let off some of them. */
type Ban = 'platform' | 'world';

const globals: Readonly<Record<string, readonly [Ban, string]>> = {
  process: ['platform', platform],
  Buffer: ['platform', bytes],
  console: ['platform', 'throw a CairnError or return what is to be said'],
  require: ['platform', 'use import'],
  __dirname: ['platform', platform],
  __filename: ['platform', platform],
  Deno: ['platform', platform],
  Bun: ['platform', platform],
  window: ['platform', platform],
  self: ['platform', platform],
  navigator: ['platform', platform],
  globalThis: ['platform', platform],
  fetch: ['platform', 'go through an ObjectStore (core/store/object-store.ts)'],
  XMLHttpRequest: ['platform', 'go through an ObjectStore (core/store/object-store.ts)'],
  WebSocket: ['platform', 'go through an ObjectStore (core/store/object-store.ts)'],
  CompressionStream: ['platform', 'it completes in any order: use a synchronous library'],
  DecompressionStream: ['platform', 'it completes in any order: use a synchronous library'],
  WeakRef: ['platform', collector],
  FinalizationRegistry: ['platform', collector],
  Intl: ['platform', locale],
  performance: ['world', clock],
  crypto: ['world', 'take Random or Digests (core/base/ports.ts) as an argument'],
  setTimeout: ['world', sleep],
  clearTimeout: ['world', sleep],
  setInterval: ['world', sleep],
  clearInterval: ['world', sleep],
  setImmediate: ['world', sleep],
  clearImmediate: ['world', sleep],
  queueMicrotask: ['world', sleep],
  requestAnimationFrame: ['world', sleep],
  scheduler: ['world', sleep],
};

/** `object.member`, or `*.member` for any object. */
const members: Readonly<Record<string, readonly [Ban, string]>> = {
  'Date.now': ['world', clock],
  'Math.random': ['world', chance],
  'AbortSignal.timeout': ['world', sleep],
  '*.localeCompare': ['platform', locale],
  '*.toLocaleString': ['platform', locale],
  '*.toLocaleLowerCase': ['platform', locale],
  '*.toLocaleUpperCase': ['platform', locale],
};

/** Where bans are lifted: a path, or a folder with its slash. */
const lifted: Readonly<Record<string, readonly Ban[]>> = {
  // The adapters that are made of Node.
  'core/store/adapters/node/': ['platform', 'world'],
  'core/threads/adapters/node/': ['platform', 'world'],
  // Google's SDK needs Node, and its own requests are not fit for use.
  'core/store/adapters/gcs/': ['platform'],
  // Its SDK is one for Node: elsewhere it finds no way to read the store's answers.
  'core/store/adapters/azure/': ['platform'],
  // The composition roots: the one place where the real clock and real chance become ports.
  'core/open.ts': ['world'],
  'core/system-ports.ts': ['world'],
};

export function checkPlatformNames(files: readonly SourceFile[]): Violation[] {
  return files.filter(({ path }) => path.startsWith('core/')).flatMap(checkFile);
}

function checkFile(file: SourceFile): Violation[] {
  const free = new Set(
    Object.entries(lifted).flatMap(([path, bans]) => (file.path.startsWith(path) ? bans : [])),
  );
  const found: Violation[] = [];
  const report = (node: Node, name: string, [ban, instead]: readonly [Ban, string]): void => {
    if (!free.has(ban))
      found.push({ file: file.path, line: lineOf(file, node.start), problem: `core names ${name}`, instead });
  };
  walk(parse(file), (node, place) => {
    const name = node['name'] as string;
    if (isGlobal(node, place) && Object.hasOwn(globals, name)) report(node, name, globals[name]!);
    for (const member of memberNames(node))
      if (Object.hasOwn(members, member)) report(node, member, members[member]!);
    if (readsClock(node)) report(node, 'the current date', ['world', clock]);
    if (node.type === 'MetaProperty' && isNode(node['meta']) && node['meta']['name'] === 'import') {
      report(node, 'import.meta', ['platform', platform]);
    }
  });
  for (const { specifier, line } of moduleReferences(file)) {
    if (specifier?.startsWith('node:') && !free.has('platform')) {
      found.push({ file: file.path, line, problem: `core imports ${specifier}`, instead: platform });
    }
  }
  return found;
}

function memberNames(node: Node): string[] {
  const { object, property } = node;
  if (node.type !== 'MemberExpression' || !isNode(object) || !isNode(property)) return [];
  const member = property['name'] ?? property['value'];
  return [`${String(object['name'])}.${String(member)}`, `*.${String(member)}`];
}

/** `new Date()` and `Date()` without an argument. */
function readsClock(node: Node): boolean {
  const { callee, arguments: given } = node;
  if (!/^(?:New|Call)Expression$/.test(node.type) || !isNode(callee) || callee['name'] !== 'Date')
    return false;
  return node.type === 'CallExpression' || (Array.isArray(given) && given.length === 0);
}
