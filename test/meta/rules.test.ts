/** Shows on small examples that each rule of the house bites, and that it lets good files pass. */
import { describe, expect, it } from 'vitest';
import {
  anchorOf,
  checkDependencies,
  checkLicences,
  checkLines,
  checkLinks,
  checkLock,
  checkScripts,
  checkSettings,
} from './hygiene.js';
import { checkLayers } from './layers.js';
import { checkPlatformNames } from './platform-names.js';
import { checkShape } from './shape.js';
import { moduleReferences } from './syntax.js';
import { mustBeClean } from './violation.js';
import type { Violation } from './violation.js';

const problems = (violations: readonly Violation[]): string[] => violations.map(({ problem }) => problem);
const layersOf = (files: Readonly<Record<string, string>>): string[] =>
  problems(checkLayers(Object.entries(files).map(([path, text]) => ({ path, text }))));
const bansIn = (text: string, path = 'core/engine/plan.ts'): string[] =>
  problems(checkPlatformNames([{ path, text }]));

describe('mustBeClean', () => {
  it('names file, line, problem and way out of every violation', () => {
    const one = { file: 'a.ts', line: 3, problem: 'is bad', instead: 'be good' };
    expect(() => mustBeClean([one, { ...one, file: 'b.ts' }])).toThrow(
      /a\.ts:3: is bad\n\s+instead: be good\nb\.ts/,
    );
    expect(() => mustBeClean([])).not.toThrow();
  });
});

describe('module references', () => {
  it('finds every way to name a module', () => {
    const text = `import a from 'm1'; import type { b } from 'm2'; import 'm3'; export * from 'm4';
      export { c } from 'm5'; export type { d } from 'm6'; const e = await import('m7'); type F = import('m8').F;
      import g = require('m9'); export const h = 1; const i = () => import(h); // import 'm10'`;
    const found = moduleReferences({ path: 'a.ts', text });
    expect(found.map(({ specifier }) => specifier)).toEqual([
      'm1',
      'm2',
      'm3',
      'm4',
      'm5',
      'm6',
      'm7',
      'm8',
      'm9',
      undefined,
    ]);
    expect(found.map(({ dynamic }) => dynamic)).toEqual([...[0, 0, 0, 0, 0, 0, 1, 0, 0].map(Boolean), true]);
    expect(found[4]?.line).toBe(2);
  });
});

describe('layers', () => {
  it('lets good imports pass', () => {
    const good = {
      'core/log/append.ts': `import { a } from './slot.js'; import { b } from '../base/errors.js';
        import type { c } from '../store/index.js'; import { sha256 } from '@noble/hashes/sha2.js';`,
      'core/index.ts': `export { open } from './open.js'; export * from './engine/index.js';`,
      'core/open-store.ts': `const node = await import('./store/adapters/node/index.js');`,
      'core/store/adapters/node/file.ts': `import { x } from '../../object-store.js'; import fs from 'node:fs';`,
      'core/store/index.ts': `export * from './adapters/memory.js';`,
      'functions/http/app.ts': `import { open } from '../../core/index.js'; import { Router } from 'itty-router';`,
      'functions/node/server.ts': `import { app } from '../http/index.js';
        import { file } from '../../core/store/adapters/node/index.js';`,
      'cli/main.ts': `import { serve } from '../functions/node/index.js'; import json from '../package.json';`,
    };
    expect(layersOf(good)).toEqual([]);
  });

  it.each([
    [
      'upward',
      'core/base/ids.ts',
      '../kernel/index.js',
      /core\/base \(layer 0\) imports core\/kernel \(layer 1\)/,
    ],
    ['upward to the door', 'core/engine/plan.ts', '../index.js', /imports core \(layer 4\)/],
    ['core to functions', 'core/engine/plan.ts', '../../functions/http/index.js', /imports functions\/http/],
    [
      'past the index',
      'core/engine/plan.ts',
      '../log/slot.js',
      /reaches into another folder: core\/log\/slot.ts/,
    ],
    ['deep past the index', 'core/log/tail.ts', '../store/adapters/memory.js', /reaches into another folder/],
    ['the guarded folder', 'core/log/tail.ts', '../store/adapters/node/index.js', /the guarded folder/],
    [
      'the guarded folder from its parent',
      'core/store/index.ts',
      './adapters/node/index.js',
      /the guarded folder/,
    ],
    [
      'the guarded folder from http',
      'functions/http/a.ts',
      '../../core/store/adapters/node/index.js',
      /guarded/,
    ],
    [
      'statically where only import() may',
      'core/open-store.ts',
      './store/adapters/node/index.js',
      /statically/,
    ],
    ['past the guarded index', 'cli/main.ts', '../core/store/adapters/node/file.js', /reaches into another/],
    ['a test', 'core/log/tail.ts', '../../test/meta/tree.js', /no part of the product/],
    ['a vendor package', 'core/log/tail.ts', '@aws-sdk/client-s3', /core imports the package @aws-sdk/],
    ['Node', 'core/log/tail.ts', 'node:fs', /core imports the package node:fs/],
  ])('refuses %s', (_, path, specifier, message) => {
    expect(layersOf({ [path]: `import { x } from '${specifier}';` })).toEqual([
      expect.stringMatching(message),
    ]);
    expect(layersOf({ [path]: `export type { x } from '${specifier}';` })).toEqual([
      expect.stringMatching(message),
    ]);
  });

  it('refuses cycles within a layer, direct and over a third folder', () => {
    const a = `import '../store/index.js';`;
    expect(layersOf({ 'core/kernel/a.ts': a })).toEqual([]);
    expect(
      layersOf({ 'core/kernel/a.ts': a, 'core/store/b.ts': `import '../kernel/index.js';` }),
    ).toHaveLength(2);
    const round = {
      'core/kernel/a.ts': a,
      'core/store/b.ts': `import '../filter/index.js';`,
      'core/filter/c.ts': `import '../kernel/index.js';`,
    };
    expect(layersOf(round)).toHaveLength(3);
  });

  it('refuses a folder without a layer and an import that hides its target', () => {
    expect(layersOf({ 'functions/vercel/entry.ts': '' })).toEqual(['its folder has no layer']);
    expect(layersOf({ 'core/log/a.ts': 'const a = (b: string) => import(b);' })).toHaveLength(1);
  });
});

describe('platform names', () => {
  it.each([
    ['process.exit(1);', 'process'],
    ['const b = Buffer.alloc(1);', 'Buffer'],
    ['let b: Buffer;', 'Buffer'],
    ['let p: typeof performance;', 'performance'],
    ['console.log(1);', 'console'],
    ['const now = Date.now();', 'Date.now'],
    [`const now = Date['now']();`, 'Date.now'],
    ['const now = new Date();', 'the current date'],
    ['const now = Date();', 'the current date'],
    ['const x = Math.random();', 'Math.random'],
    ['setTimeout(() => {}, 1);', 'setTimeout'],
    ['queueMicrotask(() => {});', 'queueMicrotask'],
    ['const f = { fetch };', 'fetch'],
    ['const t = performance.now();', 'performance'],
    ['await crypto.subtle.digest(a, b);', 'crypto'],
    ['globalThis.x = 1;', 'globalThis'],
    [`const a = require('x');`, 'require'],
    ['const u = import.meta.url;', 'import.meta'],
    ['names.sort((a, b) => a.localeCompare(b));', '*.localeCompare'],
    ['function f(a = Math.random()) {}', 'Math.random'],
    ['class A { at = Date.now(); }', 'Date.now'],
    ['function f() { { const fetch = 1; } fetch(1); }', 'fetch'],
  ])('refuses %s', (text, name) => {
    expect(bansIn(text)).toEqual([`core names ${name}`]);
  });

  it.each([
    'const at = new Date(ms).toISOString();',
    'class C { fetch(): void {} process = 1; }',
    'collection.fetch(ids); ports.crypto.x; type A = { console: string }; interface B { fetch(process: number): void }',
    'function f(process: number) { return process; }',
    'const g = ({ crypto, x: fetch }: P) => crypto + fetch;',
    'import { performance } from "./x.js"; performance();',
    'for (const process of list) process();',
    'try { a(); } catch (console) { throw console; }',
    'const text = "process.exit() and Date.now()"; // Math.random()',
    'function fetch(): void {} fetch();',
    'type F = (fetch: number) => void; export type { G as process };',
  ])('lets pass: %s', (text) => {
    expect(bansIn(text)).toEqual([]);
  });

  it('refuses node: imports, and exempts the Node adapters and the composition roots', () => {
    const text = `import { readFile } from 'node:fs'; const now = Date.now();`;
    expect(bansIn(text)).toEqual(['core names Date.now', 'core imports node:fs']);
    expect(bansIn(text, 'core/store/adapters/node/file.ts')).toEqual([]);
    expect(bansIn(text, 'core/open.ts')).toEqual(['core imports node:fs']);
    expect(bansIn(text, 'functions/node/server.ts')).toEqual([]);
  });
});

describe('shape', () => {
  const shapeOf = (path: string, text = '/** Owns. */\n'): string[] => problems(checkShape([{ path, text }]));

  it('refuses long files', () => {
    const text = `/** Owns. */\n${'x\n'.repeat(599)}`;
    expect(shapeOf('core/log/tail.ts', text)).toEqual([]);
    expect(shapeOf('core/log/tail.ts', `${text}x\n`)).toEqual(['has 601 lines, the maximum is 600']);
  });

  it('refuses drawers and names that are not kebab-case', () => {
    for (const path of [
      'core/log/utils.ts',
      'core/helpers/a.ts',
      'test/log/store-manager.ts',
      'cli/misc/a.ts',
    ]) {
      expect(shapeOf(path)).toEqual([expect.stringMatching(/names a drawer/)]);
    }
    for (const path of ['core/log/slotCodec.ts', 'core/Log/slot.ts', 'core/log/slot_codec.ts']) {
      expect(shapeOf(path)).toEqual([expect.stringMatching(/not kebab-case/)]);
    }
    for (const path of [
      'core/log/slot-codec.ts',
      'test/log/slot-codec.test.ts',
      'core/store/adapters/s3.ts',
    ]) {
      expect(shapeOf(path)).toEqual([]);
    }
  });

  it('refuses a file without a header', () => {
    expect(shapeOf('core/log/tail.ts', 'export const a = 1;\n')).toEqual(['opens without a header comment']);
    expect(shapeOf('core/log/tail.ts', '// The tail.\n')).toHaveLength(1);
    expect(shapeOf('cli/main.ts', '#!/usr/bin/env node\n/** The command. */\n')).toEqual([]);
    expect(shapeOf('test/log/tail.test.ts', 'export const a = 1;\n')).toEqual([]);
  });
});

describe('hygiene', () => {
  it.each([
    ['core/log/a.ts', '// TODO: later', 1],
    ['docs/a.md', 'FIXME', 1],
    ['core/log/a.ts', 'const todos = hackney;', 0],
    ['test/a.test.ts', `it.only('x', f);`, 1],
    ['test/a.test.ts', `describe.concurrent.skip('x', f);`, 1],
    ['test/a.test.ts', `test.todo('x');`, 1],
    ['test/a.test.ts', `it.skipIf(missing)('x', f);`, 0],
    ['test/a.test.ts', `cursor.skip(3);`, 0],
    ['core/log/a.ts', `const a = '/home/someone/x';`, 1],
    ['docs/a.md', 'run /root/x', 1],
    ['docs/a.md', 'the route /v1/work/ and https://example.org/home/page', 0],
  ])('judges lines: %s: %s', (path, text, count) => {
    expect(checkLines([{ path, text }])).toHaveLength(count);
  });

  it('refuses a lock file with hosts and licences that bind', () => {
    const lock = (entry: object): { path: string; text: string } => ({
      path: 'package-lock.json',
      text: JSON.stringify({ packages: { '': {}, 'node_modules/a': entry } }),
    });
    expect(checkLock(lock({ version: '1.0.0', integrity: 'sha512-x' }))).toEqual([]);
    expect(checkLock(lock({ resolved: 'https://example.org/a.tgz' }))).toHaveLength(1);
    expect(checkLicences(lock({ license: 'MIT' }))).toEqual([]);
    expect(checkLicences(lock({ license: '(MIT OR GPL-3.0)' }))).toEqual([]);
    expect(checkLicences(lock({ license: 'GPL-3.0' }))).toHaveLength(1);
    expect(checkLicences(lock({}))).toHaveLength(1);
  });

  it('refuses scripts that name what is not there', () => {
    const manifest = (command: string): { path: string; text: string } => ({
      path: 'package.json',
      text: JSON.stringify({ scripts: { build: 'node a.mjs', it: command } }),
    });
    const exists = (path: string): boolean => path === 'a.mjs' || path === 'wasm';
    expect(checkScripts(manifest('npm run build && tsc -p wasm'), exists)).toEqual([]);
    expect(checkScripts(manifest('node scripts/gone.mjs'), exists)).toHaveLength(1);
    expect(checkScripts(manifest('tsc -p gone --noEmit'), exists)).toHaveLength(1);
    expect(checkScripts(manifest('npm run -s gone'), exists)).toHaveLength(1);
  });

  it('refuses dependencies that float or are not explained', () => {
    const manifest = {
      path: 'package.json',
      text: JSON.stringify({ dependencies: { a: '1.0.0', b: '^1.0.0' } }),
    };
    expect(problems(checkDependencies(manifest, 'about `a` and `b`'))).toEqual(['b is not pinned: ^1.0.0']);
    expect(problems(checkDependencies(manifest, 'about `b`'))).toEqual([
      'a is not in docs/DEPENDENCIES.md',
      'b is not pinned: ^1.0.0',
    ]);
  });

  it('refuses links and anchors that lead nowhere', () => {
    const target = { path: 'docs/b.md', text: '# The `log`: how it *works*\n' };
    const linksOf = (text: string): number =>
      checkLinks([{ path: 'docs/a.md', text }, target], (path) =>
        ['docs/b.md', 'docs/a.md', 'core'].includes(path),
      ).length;
    expect(linksOf('[b](b.md) [c](../core/) [d](https://example.org/x) [e](b.md#the-log-how-it-works)')).toBe(
      0,
    );
    expect(linksOf('# A\n[self](#a)')).toBe(0);
    expect(linksOf('[b](gone.md)')).toBe(1);
    expect(linksOf('[b](b.md#gone)')).toBe(1);
    expect(linksOf('[self](#gone)')).toBe(1);
    expect(linksOf('```\n[b](gone.md)\n```\n`[b](gone.md)`')).toBe(0);
    expect(anchorOf('7. HTTP interface, version 1 (`JSON`)')).toBe('7-http-interface-version-1-json');
  });

  it('refuses settings that no page documents', () => {
    const sources = [{ path: 'cli/a.ts', text: `env['CAIRN_STORE']; env['CAIRN_STORE_X']; 'CAIRN_'` }];
    expect(problems(checkSettings(sources, '`CAIRN_STORE_X`'))).toEqual(['CAIRN_STORE is not documented']);
    expect(checkSettings(sources, 'CAIRN_STORE CAIRN_STORE_X')).toEqual([]);
  });
});
