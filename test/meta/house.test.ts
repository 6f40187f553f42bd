/**
 * Holds the house: every rule of test/meta is run over the tree as it is on the disk. That each rule bites is shown in
 * rules.test.ts on small examples.
 */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
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
import { allPaths, isSource, isTypeScript, read, root, textFiles } from './tree.js';
import { mustBeClean } from './violation.js';

const files = textFiles();
const product = files.filter(({ path }) => isTypeScript(path) && /^(?:core|functions|cli)\//.test(path));
const exists = (path: string): boolean => existsSync(root + path);

describe('the house', () => {
  it('sees the tree', () => {
    expect(product.length).toBeGreaterThan(5);
    expect(files.map(({ path }) => path)).toContain('.ci/run');
  });

  it('keeps the layers', () => mustBeClean(checkLayers(product)));
  it('keeps platform, clock and chance out of core', () => mustBeClean(checkPlatformNames(product)));
  it('keeps files small, named and headed', () => mustBeClean(checkShape(files)));
  it('leaves nothing lying about', () =>
    mustBeClean(checkLines(files.filter(({ path }) => !path.startsWith('test/meta/')))));
  it('has links that lead somewhere', () =>
    mustBeClean(
      checkLinks(
        files.filter(({ path }) => path.endsWith('.md')),
        exists,
      ),
    ));

  it('has lock files without hosts, and licences that anyone may use', () => {
    const locks = allPaths.filter((path) => path.endsWith('package-lock.json')).map(read);
    expect(locks.length).toBeGreaterThan(0);
    mustBeClean(locks.flatMap((lock) => [...checkLock(lock), ...checkLicences(lock)]));
  });

  it('has scripts that exist and dependencies that are pinned and explained', () => {
    const manifest = read('package.json');
    mustBeClean([
      ...checkScripts(manifest, exists),
      ...checkDependencies(manifest, read('docs/DEPENDENCIES.md').text),
    ]);
  });

  it('documents every setting that code reads', () => {
    const page = exists('docs/CONFIGURATION.md') ? read('docs/CONFIGURATION.md').text : undefined;
    const sources = files.filter(({ path }) => isSource(path) && !path.startsWith('test/'));
    mustBeClean(page === undefined ? [] : checkSettings(sources, page));
  });
});
