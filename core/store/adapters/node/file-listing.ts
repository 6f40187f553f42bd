/**
 * Keys of the file store in the order of their UTF-8 bytes, without walking more of the tree than was asked for.
 *
 * One level of keys is one directory together with the continuations of its long names. A file stands for its name, a
 * directory for its name and "/": "a-b" comes before "a/c" because "-" comes before "/". A level is put into a heap:
 * linear to build and logarithmic per key taken, so the first key of 100,000 costs no sort. What vanishes meanwhile is
 * passed over.
 */
import { compareUtf8 } from '../../../base/bytes.js';
import { files } from './durable-files.js';
import { isErrno } from './file-errors.js';
import { directoryNames, readName, TMP_DIRECTORY, tryDecodeSegment } from './key-paths.js';

export interface KeyBounds {
  readonly prefix: string;
  /** Only keys after this one; "" for all. */
  readonly after: string;
}

interface Entry {
  /** The key, or where `path` is a directory the beginning of its keys with the "/". */
  readonly text: string;
  /** Of a directory that holds further keys. */
  readonly path: string | undefined;
}

/** Keys of all objects within the bounds; deleted ones of a mutable kind too, which only their bodies tell. */
export async function* walkKeys(root: string, bounds: KeyBounds): AsyncGenerator<string, void, undefined> {
  const segments = bounds.prefix.split('/').slice(0, -1);
  const directory = [root, ...segments.flatMap(directoryNames)].join('/');
  yield* walkLevel(directory, segments.map((segment) => `${segment}/`).join(''), bounds);
}

async function* walkLevel(
  directory: string,
  base: string,
  bounds: KeyBounds,
): AsyncGenerator<string, void, undefined> {
  const heap = new EntryHeap(await readLevel(directory, base, bounds));
  for (let entry = heap.take(); entry !== undefined; entry = heap.take()) {
    if (entry.path === undefined) yield entry.text;
    else yield* walkLevel(entry.path, entry.text, bounds);
  }
}

async function readLevel(directory: string, base: string, bounds: KeyBounds, begun = ''): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of await namesIn(directory)) {
    const { role, encoded } = readName(name);
    if (role === 'generations' || name === TMP_DIRECTORY) continue;
    const path = `${directory}/${name}`;
    if (role === 'continuation') {
      entries.push(...(await readLevel(path, base, bounds, begun + encoded)));
      continue;
    }
    const segment = tryDecodeSegment(begun + encoded, role);
    if (segment === undefined) continue;
    const entry: Entry =
      role === 'object' ? { text: base + segment, path: undefined } : { text: `${base}${segment}/`, path };
    if (isWithin(entry, bounds)) entries.push(entry);
  }
  return entries;
}

function isWithin({ text, path }: Entry, { prefix, after }: KeyBounds): boolean {
  if (path === undefined) return text.startsWith(prefix) && compareUtf8(text, after) > 0;
  // A directory has keys within the prefix only if one begins with the other; keys after `after` unless all precede it.
  if (!text.startsWith(prefix) && !prefix.startsWith(text)) return false;
  return after.startsWith(text) || compareUtf8(text, after) > 0;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await files.readdir(directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** A binary heap, the least text on top. */
class EntryHeap {
  readonly #entries: Entry[];

  constructor(entries: Entry[]) {
    this.#entries = entries;
    for (let at = (entries.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  take(): Entry | undefined {
    const top = this.#entries[0];
    const last = this.#entries.pop();
    if (top === undefined || last === undefined || this.#entries.length === 0) return top;
    this.#entries[0] = last;
    this.#sink(0);
    return top;
  }

  #sink(start: number): void {
    const entries = this.#entries;
    const moving = entries[start]!;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      const right = entries[child + 1];
      if (right !== undefined && compareUtf8(right.text, entries[child]!.text) < 0) child += 1;
      if (compareUtf8(entries[child]!.text, moving.text) >= 0) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = moving;
  }
}
