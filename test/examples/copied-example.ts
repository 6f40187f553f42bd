/**
 * An example as a stranger has it: a copy outside the tree, with what its package.json asks for in its node_modules and nothing else.
 * Packages are links to those that the repository's own lock files have installed, and `cairndb` is links to what is published of it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { root } from '../../scripts/set-up.mjs';

const places = [join(root, 'node_modules'), join(root, 'test/runtime/node_modules')];

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export interface CopiedExample {
  readonly folder: string;
  /** Runs a script of its package.json. Gives back what it printed, and throws that where it fails. */
  run(script: string, ...args: readonly string[]): string;
  remove(): void;
}

export function copyExample(name: string): CopiedExample {
  const folder = mkdtempSync(join(tmpdir(), `cairn-${name}-`));
  // Without what somebody who tried it out has left.
  const filter = (path: string): boolean => !/[\\/](?:node_modules|build|dist|\.\w+)$/.test(path);
  cpSync(join(root, 'examples', name), folder, { recursive: true, filter });
  const modules = join(folder, 'node_modules');
  const { dependencies, devDependencies } = manifestOf(join(folder, 'package.json'));
  const needed = Object.keys({ ...dependencies, ...devDependencies });
  for (const one of needed) {
    if (one === 'cairndb') linkCairn(join(modules, one));
    else link(placeOf(one), join(modules, one));
  }
  const bins = needed.flatMap((one) => Object.entries(binsOf(join(modules, one))));
  for (const [bin, path] of bins) link(path, join(modules, '.bin', bin));
  return {
    folder,
    run: (script, ...args) => {
      const { status, stdout, stderr, error } = spawnSync(
        'npm',
        ['run', '--silent', script, ...(args.length === 0 ? [] : ['--', ...args])],
        { cwd: folder, encoding: 'utf8', env: environmentOf(folder), timeout: 180_000 },
      );
      if (status === 0) return stdout + stderr;
      throw new Error(`${script} of ${name} ended with ${status}: ${stdout}${stderr}`, { cause: error });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Tools call nobody and leave nothing outside the copy. */
function environmentOf(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, '.config'),
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
    AWS_ACCESS_KEY_ID: 'none',
    AWS_SECRET_ACCESS_KEY: 'none',
    npm_config_update_notifier: 'false',
  };
}

/** What the package has when it is published: tools that look through all of node_modules find no more there. */
function linkCairn(home: string): void {
  for (const part of ['package.json', 'dist']) link(join(root, part), join(home, part));
}

function placeOf(name: string): string {
  const found = places.map((place) => join(place, name)).find((path) => existsSync(path));
  // The tools that deploy come with the other runtimes, which not every suite needs.
  return found ?? join(places[1]!, name);
}

function binsOf(home: string): Record<string, string> {
  const path = join(home, 'package.json');
  if (!existsSync(path)) return {};
  const { name, bin = {} } = JSON.parse(readFileSync(path, 'utf8')) as {
    name: string;
    bin?: string | object;
  };
  const bins = Object.entries(typeof bin === 'string' ? { [name]: bin } : bin);
  return Object.fromEntries(bins.map(([command, file]) => [command, join(home, String(file))]));
}

export function manifestOf(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}
