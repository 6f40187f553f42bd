/**
 * Holds the documents to the tree: every npm script, test folder, file and subcommand that a page tells its reader to run or
 * open is there, every page is in the index, and every folder of tests has its line. Links are held by test/meta.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { namedIn } from './commands.js';
import type { Named } from './commands.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(root + path, 'utf8');
const markdownIn = (folder: string): string[] =>
  readdirSync(root + folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => folder + name);
const pages = ['', 'docs/', 'docs/deploy/', 'bench/'].flatMap(markdownIn);
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);

/** As the built command lists them. */
function subcommands(): readonly string[] {
  const help = execFileSync(process.execPath, [`${root}dist/cli/main.js`, '--help'], { encoding: 'utf8' });
  return [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
}

let commands: readonly string[];
beforeAll(() => {
  commands = subcommands();
});

function isThere({ kind, name }: Named): boolean {
  if (kind === 'script') return scripts.includes(name);
  return kind === 'path' ? existsSync(root + name) : commands.includes(name);
}

describe('what the documents name', () => {
  it.each(pages)('is there: %s', (page) => {
    expect(commands).toContain('serve');
    expect(namedIn(read(page)).filter((named) => !isThere(named))).toEqual([]);
  });

  it('is found in shell blocks and code spans', () => {
    const page =
      'Run `npm run lint`, see `core/index.ts`.\n\n```sh\nnpm test -- test/log # all\nFOO=1 cairn stats x\n```\n';
    expect(namedIn(page)).toEqual([
      { kind: 'script', name: 'test' },
      { kind: 'path', name: 'test/log' },
      { kind: 'subcommand', name: 'stats' },
      { kind: 'script', name: 'lint' },
      { kind: 'path', name: 'core/index.ts' },
    ]);
  });

  it('includes every page, in docs/README.md', () => {
    const index = read('docs/README.md');
    const missing = ['docs/', 'docs/deploy/']
      .flatMap(markdownIn)
      .filter((page) => page !== 'docs/README.md' && !index.includes(`(${page.slice(5)})`));
    expect(missing, 'give each page a line in docs/README.md').toEqual([]);
  });

  it('includes every folder of tests, in docs/TESTING.md', () => {
    const page = read('docs/TESTING.md');
    const folders = readdirSync(`${root}test`, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    const missing = folders.map(({ name }) => `test/${name}`).filter((path) => !page.includes(path));
    expect(missing, 'say in docs/TESTING.md what each folder proves').toEqual([]);
  });
});
