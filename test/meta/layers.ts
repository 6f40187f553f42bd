/**
 * The layer rule: a file imports its own folder or a lower layer; a folder of the same layer only through its
 * index.ts and without cycles; never upward. Another folder is entered through its index.ts alone, but for core/base,
 * whose files are imported one by one. Every exception is in the tables of this file.
 */
import { posix } from 'node:path';
import { moduleReferences } from './syntax.js';
import type { SourceFile } from './tree.js';
import type { Violation } from './violation.js';

/** Layer of each folder. A file belongs to the longest folder here that holds it. */
const layers: Readonly<Record<string, number>> = {
  'core/base': 0,
  'core/kernel': 1,
  'core/store': 1,
  'core/filter': 1,
  'core/log': 2,
  'core/segment': 2,
  'core/index/layout': 2,
  'core/index/codes/sq8': 2.05,
  'core/index/codes/f32': 2.05,
  'core/index/codes/rabitq': 2.05,
  'core/index/codes/pq': 2.06,
  'core/index/codes': 2.1,
  'core/index/order': 2.1,
  'core/index/graph': 2.1,
  'core/index/projection': 2.2,
  'core/index/leaves': 2.2,
  'core/index': 2.3,
  'core/engine/interface': 3,
  'core/engine/input': 3.1,
  'core/engine/memtable': 3.2,
  'core/engine/segments': 3.2,
  'core/engine/table': 3.25,
  'core/engine/reads': 3.3,
  'core/engine/writes': 3.3,
  'core/engine/compaction': 3.3,
  'core/engine/collector': 3.3,
  'core/engine/scrub': 3.35,
  'core/engine': 3.4,
  'core/threads': 3.5,
  'core/threads/adapters/node': 3.6,
  core: 4,
  'functions/http/message': 4.9,
  'functions/http/access': 5,
  'functions/http/schema': 5,
  'functions/http/body': 5.1,
  'functions/http/routes': 5.2,
  'functions/http': 5.3,
  'functions/settings': 5.4,
  'functions/node': 6,
  'functions/hosted': 6.1,
  'functions/cloudflare': 6.2,
  'functions/aws': 6.2,
  'functions/azure': 6.2,
  'functions/gcp': 6.2,
  cli: 7,
};

/** Folders inside another that only these files and folders may enter, and how. */
const guarded: Readonly<Record<string, { by: readonly string[]; why: string }>> = {
  'core/store/adapters/node': {
    by: ['core/store/adapters/node/', 'core/open-store.ts', 'functions/node/', 'cli/'],
    why: 'it needs Node; take an ObjectStore as an argument, and let core/open-store.ts, functions/node or cli choose it',
  },
  'core/threads/adapters/node': {
    by: ['core/threads/adapters/node/', 'core/open-threaded.ts'],
    why: 'it needs Node; take threads as an argument, and let core/open-threaded.ts start them',
  },
  'core/store/adapters/bucket': {
    by: ['core/store/adapters/', 'core/open-store.ts'],
    why: 'it is what the adapters of clouds share; take an ObjectStore as an argument',
  },
  'core/store/adapters/s3': {
    by: ['core/store/adapters/s3/', 'core/open-store.ts'],
    why: 'it loads an SDK; take an ObjectStore as an argument, and let core/open-store.ts choose it',
  },
  'core/store/adapters/gcs': {
    by: ['core/store/adapters/gcs/', 'core/open-store.ts'],
    why: 'it loads an SDK; take an ObjectStore as an argument, and let core/open-store.ts choose it',
  },
  'core/store/adapters/azure': {
    by: ['core/store/adapters/azure/', 'core/open-store.ts'],
    why: 'it loads an SDK; take an ObjectStore as an argument, and let core/open-store.ts choose it',
  },
  'core/store/adapters/r2': {
    by: ['core/store/adapters/r2/', 'core/r2.ts', 'core/open-r2.ts', 'core/open-r2-store.ts'],
    why: 'it is for whoever has a binding; take an ObjectStore as an argument, and let core/open-r2-store.ts open it',
  },
};

/** Guarded folders that a file may enter by `import()` only, so that other platforms never load them. */
const dynamicOnly: Readonly<Record<string, readonly string[]>> = {
  'core/open-store.ts': [
    'core/store/adapters/node',
    'core/store/adapters/s3',
    'core/store/adapters/gcs',
    'core/store/adapters/azure',
  ],
  'core/open-threaded.ts': ['core/threads/adapters/node'],
};

/** Doors beside an index.ts: what a bundle for another host would have to carry along is not behind them. */
const doors: readonly string[] = ['core/r2.ts', 'core/hosted.ts'];

/** What the build lays into dist/, beside the folders of the product. */
const fromTheBuild: readonly string[] = ['package.json', 'kernel.wasm'];

/** Packages that core may import outside its adapters: pure computation, synchronous, no platform. */
const corePackages: readonly string[] = ['@noble/hashes', 'fastest-levenshtein', 'fflate'];

function longestPrefix(path: string, folders: Iterable<string>): string | undefined {
  return [...folders]
    .filter((folder) => path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];
}

interface Edge {
  readonly from: SourceFile;
  readonly line: number;
  readonly to: string;
  readonly dynamic: boolean;
}

export function checkLayers(files: readonly SourceFile[]): Violation[] {
  const found: Violation[] = [];
  const sideways: { from: string; to: string; file: string; line: number }[] = [];
  for (const file of files) {
    const home = longestPrefix(file.path, Object.keys(layers));
    if (home === undefined) {
      found.push({
        file: file.path,
        problem: 'its folder has no layer',
        instead:
          'move it into a folder of ARCHITECTURE.md, or give the folder a layer in test/meta/layers.ts',
      });
      continue;
    }
    for (const { specifier, dynamic, line } of moduleReferences(file)) {
      if (specifier === undefined) found.push(unreadable(file, line));
      else if (!specifier.startsWith('.')) found.push(...checkPackage(file, line, specifier));
      else {
        const to = posix.join(posix.dirname(file.path), specifier).replace(/\.js$/, '.ts');
        const edge = { from: file, line, to, dynamic };
        found.push(...checkEdge(edge, home));
        const target = longestPrefix(to, Object.keys(layers));
        if (target !== undefined && target !== home && layers[target] === layers[home]) {
          sideways.push({ from: home, to: target, file: file.path, line });
        }
      }
    }
  }
  return [...found, ...checkCycles(sideways)];
}

function unreadable(file: SourceFile, line: number): Violation {
  return {
    file: file.path,
    line,
    problem: 'import() of something that is not a string literal',
    instead: 'write the module as a literal, one import() per module, so that layers and bundlers can see it',
  };
}

function checkPackage(file: SourceFile, line: number, specifier: string): Violation[] {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (!file.path.startsWith('core/') || corePackages.includes(name)) return [];
  if (/^core\/(?:store|threads)\/adapters\//.test(file.path)) return [];
  return [
    {
      file: file.path,
      line,
      problem: `core imports the package ${specifier}`,
      instead:
        'keep vendor and platform packages in core/store/adapters or functions/ behind a port; ' +
        'a pure computation may be added to corePackages in test/meta/layers.ts with a line in docs/DEPENDENCIES.md',
    },
  ];
}

function checkEdge({ from, line, to, dynamic }: Edge, home: string): Violation[] {
  const violation = (problem: string, instead: string): Violation[] => [
    { file: from.path, line, problem, instead },
  ];
  const target = longestPrefix(to, Object.keys(layers));
  if (target === undefined) {
    if (fromTheBuild.includes(to)) return [];
    return violation(
      `imports ${to}, which is no part of the product`,
      'move what is needed into a layered folder',
    );
  }
  const guard = longestPrefix(to, Object.keys(guarded));
  if (guard !== undefined) {
    const { by, why } = guarded[guard]!;
    if (!by.some((path) => from.path.startsWith(path)))
      return violation(`imports the guarded folder ${guard}`, why);
    if (!dynamic && dynamicOnly[from.path]?.includes(guard) === true) {
      return violation(`imports ${guard} statically`, 'use `await import()`: other platforms cannot load it');
    }
    const inside = from.path.startsWith(`${guard}/`);
    return inside || to === `${guard}/index.ts` ? [] : throughIndex(violation, guard, to);
  }
  if (target === home) return [];
  if (layers[target]! > layers[home]!) {
    return violation(
      `${home} (layer ${layers[home]}) imports ${target} (layer ${layers[target]})`,
      'never upward: take it as an argument or a port, or move the shared part down, core/base at the lowest',
    );
  }
  const isDoor = to === `${target}/index.ts` || doors.includes(to);
  return target === 'core/base' || isDoor ? [] : throughIndex(violation, target, to);
}

function throughIndex(
  violation: (problem: string, instead: string) => Violation[],
  folder: string,
  to: string,
): Violation[] {
  return violation(
    `reaches into another folder: ${to}`,
    `import ${folder}/index.js, and export there what others may use`,
  );
}

function checkCycles(
  edges: readonly { from: string; to: string; file: string; line: number }[],
): Violation[] {
  const reaches = (from: string, to: string, seen: Set<string> = new Set()): boolean =>
    edges.some(({ from: a, to: b }) => {
      if (a !== from || seen.has(b)) return false;
      return b === to || reaches(b, to, seen.add(b));
    });
  return edges
    .filter(({ from, to }) => reaches(to, from))
    .map(({ from, to, file, line }) => ({
      file,
      line,
      problem: `${from} and ${to} are of one layer and import each other`,
      instead: 'let one of them take the other as an argument, or move what both need one layer down',
    }));
}
