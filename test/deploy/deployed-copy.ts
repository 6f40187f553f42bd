/**
 * A copy of what deployments are made from, built in a folder of its own: tools build where their settings file lies, and a suite that
 * rebuilt the tree would pull it from under the others.
 *
 * It is the context that `docker build` would send, by .dockerignore, plus the settings and templates of the other tools: what builds
 * here builds in the image, and in a clone.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { root } from '../../scripts/set-up.mjs';

export interface DeployedCopy {
  readonly folder: string;
  /** Puts a file at its top, and returns its name. */
  write(name: string, text: string): string;
  /** Without the link: a tool that looks through the folder for files to pack would look through all packages. */
  withoutPackages<T>(run: () => T): T;
  remove(): void;
}

const settings = ['wrangler.toml', 'serverless.yml', 'infra/aws'];

/** Installed packages are a link to ours, and `npm run bundle` is run. */
export function buildCopy(): DeployedCopy {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-deploy-'));
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  const kept = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  for (const path of [...kept, ...settings]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (file) => !file.endsWith('.generated.ts') && !file.endsWith('.tsbuildinfo'),
    });
  }
  const modules = join(folder, 'node_modules');
  const linkModules = (): void => symlinkSync(join(root, 'node_modules'), modules, 'dir');
  linkModules();
  for (const script of ['scripts/build.mjs', 'scripts/bundle.mjs'])
    execFileSync(process.execPath, [script], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  return {
    folder,
    write: (name, text) => {
      writeFileSync(join(folder, name), text);
      return name;
    },
    withoutPackages: (run) => {
      rmSync(modules);
      try {
        return run();
      } finally {
        linkModules();
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
