/**
 * `cairn serve --demo` as a newcomer meets it: the built command on a file store, and the curl line that it prints, pasted
 * into a shell in another folder.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCairn } from '../docs/cairn-process.js';
import type { CairnProcess } from '../docs/cairn-process.js';

let folder: string;
let server: CairnProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-start-'));
});
afterEach(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  server = await startCairn(folder, ['--demo', '--store', 'file:./store'], environment);
  return vi.waitUntil(() => /^ {2}(curl .*)$/m.exec(server!.output())?.[1], { timeout: 30_000 });
}

interface Answer {
  readonly matches: readonly { readonly metadata: Readonly<Record<string, string>> }[];
}

function paste(line: string, environment: Readonly<Record<string, string>> = {}): Answer {
  const { stdout } = spawnSync('sh', ['-c', line], {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...environment },
  });
  return JSON.parse(stdout) as Answer;
}

describe('cairn serve --demo', () => {
  it('prints a curl line that answers the question, and again after a restart', async () => {
    const { matches } = paste(await start());
    expect(matches).toHaveLength(3);
    expect(matches[0]!.metadata).toMatchObject({
      source: 'ARCHITECTURE.md',
      heading: expect.stringContaining('The life of a write') as string,
      text: expect.stringContaining('conditional put has created its slot') as string,
    });
    expect(await server!.stop()).toBe(0);
    const line = await start();
    expect(server!.output()).toContain('unchanged');
    expect(paste(line).matches).toEqual(matches);
  });

  it('asks with a key where there are keys, and prints none', async () => {
    const keys = { CAIRN_API_KEYS: 'first-key,second-key' };
    const line = await start(keys);
    expect(server!.output()).not.toContain('first-key');
    expect(paste(line, keys).matches).toHaveLength(3);
    expect(paste(line)).toMatchObject({ code: 'key_required' });
  });

  it("answers questions of one's own through examples/ask.mjs", async () => {
    await start();
    const example = fileURLToPath(new URL('../../examples/ask.mjs', import.meta.url));
    const args = [example, '--server', server!.url, 'Which operators can a filter use?'];
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: tmpdir(), encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toContain('docs/FILTERS.md: Filters');
  });
});
