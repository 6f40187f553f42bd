/**
 * What a file store holds on the disk, by kind of object: where the file store keeps an object is described in
 * docs/FORMAT.md and core/store/adapters/node/key-paths.ts. A file of several names (generations of a head) counts once.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} StoredFile
 * @property {string} path below the folder
 * @property {string} kind
 * @property {number} bytes
 */

/**
 * Every file of the store. One that is deleted meanwhile is left out.
 * @param {string} folder
 * @returns {StoredFile[]}
 */
export function storedFiles(folder) {
  const seen = new Set();
  return paths(folder, '').flatMap((path) => {
    const stat = lstatSync(join(folder, path), { throwIfNoEntry: false });
    if (stat === undefined || seen.has(stat.ino)) return [];
    seen.add(stat.ino);
    return [{ path, kind: kindOf(path), bytes: stat.size }];
  });
}

/**
 * @param {string} folder
 * @returns {Record<string, { objects: number, bytes: number }>}
 */
export function bytesByKind(folder) {
  /** @type {Record<string, { objects: number, bytes: number }>} */
  const kinds = {};
  for (const { kind, bytes } of storedFiles(folder)) {
    const sum = (kinds[kind] ??= { objects: 0, bytes: 0 });
    sum.objects++;
    sum.bytes += bytes;
  }
  return kinds;
}

/** `seg`, `del` and `win` lie in one folder and differ by their endings. @param {string} path */
function kindOf(path) {
  const [top = '', , folder = ''] = path.split('/');
  if (top !== 'c') return top;
  const kind = folder.replace(/\.(?:obj|gen)$/, '');
  return kind === 'seg' ? (/\.(seg|del|win)\.obj$/.exec(path)?.[1] ?? 'seg') : kind;
}

/** @param {string} folder @param {string} below @returns {string[]} */
function paths(folder, below) {
  let entries;
  try {
    entries = readdirSync(join(folder, below), { withFileTypes: true });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? paths(folder, path) : [path];
  });
}
