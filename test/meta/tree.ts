/**
 * The files of the repository as the rules see them: path from the root (with slashes) and text. Walks the disk, not
 * git, so that a file that is not yet added is judged too. Leaves out what tools make and what .gitignore names.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

const leftOut = new Set(['node_modules', 'dist', 'build', 'coverage', '.git', '.cairn']);
const textFile =
  /(?:\.(?:ts|mts|mjs|js|json|jsonc|md|toml|ya?ml|sh|txt|html|css|py|proto)|(?:^|\/)(?:run|LICENSE|Dockerfile|\.[a-z]+))$/;

function pathsUnder(folder: string): string[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory()) return leftOut.has(entry.name) ? [] : pathsUnder(`${path}/`);
    return entry.isFile() && !path.endsWith('.generated.ts') ? [path] : [];
  });
}

/** Every path of the tree, text or not. */
export const allPaths: readonly string[] = pathsUnder('').toSorted();

export function read(path: string): SourceFile {
  return { path, text: readFileSync(root + path, 'utf8') };
}

/** Every text file but the lock files. */
export function textFiles(): SourceFile[] {
  return allPaths.filter((path) => textFile.test(path) && !path.endsWith('package-lock.json')).map(read);
}

export function isSource(path: string): boolean {
  return /\.(?:ts|mts|mjs|js)$/.test(path);
}

/** TypeScript that is compiled by tsc: wasm/ is AssemblyScript, which only looks like it. */
export function isTypeScript(path: string): boolean {
  return path.endsWith('.ts') && !path.startsWith('wasm/');
}
