/**
 * Holds the pages of docs/deploy to what they tell: their shell blocks parse, what they name of this repository is there, their first
 * calls answer as they say, and their bundles of a project's own have the handlers. What needs an account is read, not run.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingTable } from '../../functions/settings/index.js';
import { root } from '../../scripts/set-up.mjs';
import { startCairn } from '../docs/cairn-process.js';

const pages = readdirSync(join(root, 'docs/deploy')).filter((name) => name.endsWith('.md'));
const places = pages.filter((name) => name !== 'README.md');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = (name: string): string => read(`docs/deploy/${name}`);

function blocks(name: string, language: string): string[] {
  return [...page(name).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code]) => code!,
  );
}

const firstCalls = (name: string): string[] =>
  blocks(name, 'sh').filter((code) => code.startsWith('curl -s "$URL/health"'));
const ownProject = (name: string): string[] =>
  blocks(name, 'sh').filter((code) => code.includes('npx esbuild'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-pages-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each(pages)('the page %s', (name) => {
  it('has shell blocks that a shell can read', () => {
    for (const code of blocks(name, 'sh')) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' });
      expect({ status, stderr }, code).toEqual({ status: 0, stderr: '' });
    }
  });

  it('names settings, files and scripts that are there', () => {
    const text = page(name);
    const variables = Object.values(settingTable).flatMap(({ variables: all }) => all);
    const named = text.match(/\bCAIRN_[A-Z_]+\b/g) ?? [];
    expect(named.filter((variable) => !variables.includes(variable))).toEqual([]);
    const files = text.match(/(?<![\w/.-])(?:infra\/[\w./-]*\w|(?:serverless\.yml|wrangler\.toml)\b)/g) ?? [];
    const made = ['infra/docker/cairn.env'];
    expect(files.filter((path) => !made.includes(path) && !existsSync(join(root, path)))).toEqual([]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
    const run = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, script]) => script!);
    expect(run.filter((script) => !(script in scripts))).toEqual([]);
  });
});

describe.each(places)('the page %s', (name) => {
  it('begins with the key, has the same first calls as all, and says what was not tried', () => {
    const text = page(name);
    expect(text.match(/^## .*$/m)?.[0]).toBe('## 1. The key');
    expect(firstCalls(name)).toEqual(firstCalls('node.md'));
    expect(text.match(/^## .*$/gm)?.at(-1)).toBe('## What was not tried');
    for (const part of ['COST.md', 'maintenance', 'Updates, another key, removal', 'cairndb'])
      expect(text, part).toContain(part);
  });
});

describe('the first calls', () => {
  it('answer as the pages say, to whoever has the key that the pages make, and to nobody else', async () => {
    const [keyBlock] = blocks('README.md', 'sh');
    const [calls, ...others] = firstCalls('node.md');
    expect(others).toEqual([]);
    const key = spawnSync('bash', ['-ec', keyBlock!], { encoding: 'utf8' }).stdout.trim();
    // Of 43 characters those are gone that a shell or a header might take for something else.
    expect(key).toMatch(/^[A-Za-z0-9]{30,43}$/);
    const server = await startCairn(folder, ['--store', 'memory:'], { CAIRN_API_KEYS: key });
    const run = (KEY: string): string =>
      spawnSync('bash', ['-ec', calls!], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], URL: server.url, KEY },
      }).stdout;
    try {
      expect(run('wrong')).not.toContain('matches');
      const printed = run(key);
      const { matches } = JSON.parse(printed.slice(printed.indexOf('{"matches"'))) as {
        matches: { id: string }[];
      };
      expect(matches.map(({ id }) => id)).toEqual(['a']);
    } finally {
      await server.stop();
    }
  });
});

describe('a project of its own', () => {
  it.each([
    ['aws.md', ['handler', 'scheduled']],
    ['gcp.md', ['cairn', 'maintain']],
    ['azure.md', undefined],
  ])('is bundled as %s says', async (name, exported) => {
    const [code, ...others] = ownProject(name);
    expect(others).toEqual([]);
    const project = join(folder, 'my-cairn');
    mkdirSync(join(project, 'node_modules'), { recursive: true });
    symlinkSync(root, join(project, 'node_modules/cairndb'), 'dir');
    writeFileSync(join(project, 'package.json'), '{}');
    // Without what asks a registry.
    const offline = code!
      .replace(/^(?:mkdir|npm) .*\n/gm, '')
      .replaceAll('npx esbuild', `'${join(root, 'node_modules/.bin/esbuild')}' --log-level=warning`);
    const { status, stderr } = spawnSync('bash', ['-ec', offline], { cwd: project, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const entry = join(project, 'build/index.mjs');
    expect(existsSync(entry)).toBe(true);
    if (exported === undefined) return;
    const made = (await import(pathToFileURL(entry).href)) as Readonly<Record<string, unknown>>;
    for (const handler of exported) expect(made[handler], handler).toBeTypeOf('function');
  });

  it('has settings of wrangler that say what those of the repository do', () => {
    const [own] = blocks('cloudflare.md', 'toml');
    const ours = read('wrangler.toml');
    for (const line of own!.split('\n').filter((text) => text !== '' && !text.startsWith('main')))
      expect(ours).toContain(line);
    expect(ownEntry()).toBe("export { default } from 'cairndb/cloudflare';");
  });

  function ownEntry(): string | undefined {
    return /echo "(.*)" > src\/index\.js/.exec(page('cloudflare.md'))?.[1];
  }
});
