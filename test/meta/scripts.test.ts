/**
 * The scripts that a fresh clone starts with: when they install, when they build, and what they count as failed.
 * Strategy: their decisions as functions over texts and over a small tree on the disk; the whole path from a bare clone
 * to a running server is what `.ci/run` and `npm start` themselves go.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { count } from '../../scripts/count-tests.mjs';
import { digestSources, isAtLeast, isInstalled } from '../../scripts/set-up.mjs';

describe('the Node floor', () => {
  it.each([
    ['20.19.0', '20.19', true],
    ['20.20.2', '20.19', true],
    ['22.0.0', '20.19', true],
    ['20.9.0', '20.19', false],
    ['20.18.3', '20.19.1', false],
    ['18.20.0', '20.19', false],
    ['9.30.0', '20.19', false],
  ])('compares %s with %s by number', (found, floor, enough) => {
    expect(isAtLeast(found, floor)).toBe(enough);
  });
});

describe('whether to install', () => {
  const own = { name: 'cairndb' };
  const needed = { version: '1.0.0', integrity: 'sha512-a' };
  const otherPlatform = { version: '1.0.0', integrity: 'sha512-b', optional: true };
  const text = (packages: object): string => JSON.stringify({ packages });
  const lock = text({ '': own, 'node_modules/a': needed, 'node_modules/b': otherPlatform });

  it('takes what is installed where it is what the lock says', () => {
    expect(isInstalled(lock, text({ 'node_modules/a': needed, 'node_modules/b': otherPlatform }))).toBe(true);
    expect(isInstalled(lock, text({ 'node_modules/a': needed }))).toBe(true);
  });

  it.each([
    ['nothing is installed', undefined],
    ['a package is missing', text({ 'node_modules/b': otherPlatform })],
    ['a package has another content', text({ 'node_modules/a': { ...needed, integrity: 'sha512-c' } })],
    ['an optional one has another content', text({ 'node_modules/a': needed, 'node_modules/b': needed })],
    [
      'one is installed that the lock does not have',
      text({ 'node_modules/a': needed, 'node_modules/c': needed }),
    ],
  ])('installs where %s', (_, installed) => {
    expect(isInstalled(lock, installed)).toBe(false);
  });
});

describe('whether to build', () => {
  let base = '';
  const inputs = ['core', 'one.json', 'absent'];
  const write = (path: string, content: string): void => writeFileSync(join(base, path), content);
  const digest = (): string => digestSources(base, inputs);

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'cairn-digest-'));
    mkdirSync(join(base, 'core/log'), { recursive: true });
    write('core/log/a.ts', 'a');
    write('core/b.ts', 'b');
    write('one.json', '{}');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  it('changes with any content, name, new or lost file', () => {
    const seen = new Set([digest()]);
    write('core/log/a.ts', 'A');
    seen.add(digest());
    write('core/log/c.ts', '');
    seen.add(digest());
    rmSync(join(base, 'core/b.ts'));
    seen.add(digest());
    write('one.json', '{ }');
    seen.add(digest());
    write('core/log/ab.ts', 'c');
    seen.add(digest());
    expect(seen.size).toBe(6);
  });

  it('does not change with dates, generated files and files beside the inputs', () => {
    const before = digest();
    utimesSync(join(base, 'core/b.ts'), 1, 1);
    write('core/wasm-bytes.generated.ts', 'x');
    write('two.json', '{}');
    expect(digest()).toBe(before);
  });
});

describe('what .ci/run counts', () => {
  const file = (status: string, ...tests: string[]): Parameters<typeof count>[0]['testResults'][number] => ({
    name: 'a.test.ts',
    status,
    assertionResults: tests.map((test) => ({ status: test, fullName: `is ${test}` })),
  });

  it('adds passed tests up', () => {
    const testResults = [file('passed', 'passed', 'passed'), file('passed', 'passed')];
    expect(count({ success: true, testResults })).toEqual({ passed: 3, failures: [] });
  });

  it.each([
    ['a failed test', false, [file('failed', 'passed', 'failed')], 1],
    ['a skipped test', true, [file('passed', 'passed', 'skipped', 'pending', 'todo')], 3],
    ['a file that did not load', false, [file('passed', 'passed'), file('failed')], 1],
    ['a hook that failed after the tests', false, [file('failed', 'passed')], 1],
    ['an error outside of every test', false, [file('passed', 'passed')], 1],
    ['no test at all', true, [], 1],
  ])('counts %s as failed', (_, success, testResults, failed) => {
    expect(count({ success, testResults }).failures).toHaveLength(failed);
  });
});
