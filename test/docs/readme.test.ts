/**
 * Runs what the README prints, as it prints it, against the build: the example as a module of a project that depends on
 * the package, the curl lines in a shell against a server. Only the port is replaced, because 8080 may be taken.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCairn } from './cairn-process.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code]) => code!,
  );
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-readme-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a module in a project that has the package installed. */
function runModule(code: string): string {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'cairndb'), 'dir');
  writeFileSync(join(folder, 'example.mjs'), code);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

describe('the README', () => {
  it('has an example that runs as printed', () => {
    const [example, ...others] = blocks('js');
    expect(others).toEqual([]);
    const printed = runModule(example!);
    expect(printed).toMatch(/id: 'codes'[\s\S]*id: 'logs'/);
    expect(printed).not.toContain("id: 'graphs'");
    expect(printed).toContain('rowsScanned: 2');
  });

  it('has an example that the whole embedded interface fits', () => {
    const longer = blocks('js')[0]!
      .replace('k: 10,', 'k: 10, targetRecall: 0.99,')
      .replace('const vector =', 'await papers.compact();\nconst vector =');
    expect(runModule(longer)).toContain("id: 'codes'");
  });

  it('has curl lines that answer as it says', async () => {
    const curls = blocks('sh').filter((code) => code.startsWith('curl'));
    expect(curls).toHaveLength(1);
    const server = await startCairn(folder, ['--store', 'file:./store']);
    try {
      const script = curls[0]!.replaceAll('http://127.0.0.1:8080', server.url);
      const { status, stdout } = spawnSync('sh', ['-e', '-c', script], { cwd: tmpdir(), encoding: 'utf8' });
      expect(status).toBe(0);
      const answer = JSON.parse(stdout.slice(stdout.indexOf('{"matches"'))) as { matches: { id: string }[] };
      expect(answer.matches.map(({ id }) => id)).toEqual(['b', 'c']);
    } finally {
      await server.stop();
    }
  });
});
