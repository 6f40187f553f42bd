/**
 * The project's own documentation as the demo's records: which pages, cut into chunks, each under an id made from its
 * contents. What is in a chunk decides its id, so comparing ids tells what a store lacks.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { embeddingVersion } from './feature-hashing.js';
import { chunkMarkdown } from './markdown-chunks.js';
import type { Chunk } from './markdown-chunks.js';

export interface DemoChunk extends Chunk {
  readonly id: string;
  /** Path of the page from the root of the package. */
  readonly source: string;
}

/** Requires: the file runs from dist/cli/demo, three folders below package.json. */
const packageRoot = new URL('../../../', import.meta.url);

/** In the root of the package, as far as they are there. The others are docs/*.md. */
const rootPages = ['README.md', 'ARCHITECTURE.md'];

const ownId = /^(?:README|ARCHITECTURE|docs\/[\w-]+)\.md#[0-9a-f]{16}$/;

/** Whether the demo made this id. Records that others put into the collection are not the demo's to delete. */
export function isDemoId(id: string): boolean {
  return ownId.test(id);
}

/** Every chunk of the documentation, by page and in reading order. */
export async function readDocumentation(root: URL = packageRoot): Promise<readonly DemoChunk[]> {
  const pages = await Promise.all((await pageNames(root)).map((source) => readPage(root, source)));
  return pages.flat();
}

async function pageNames(root: URL): Promise<readonly string[]> {
  const [top, docs] = await Promise.all([readdir(root), readdir(new URL('docs/', root))]);
  const inDocs = docs.filter((name) => /^[\w-]+\.md$/.test(name)).sort();
  return [...rootPages.filter((name) => top.includes(name)), ...inDocs.map((name) => `docs/${name}`)];
}

async function readPage(root: URL, source: string): Promise<readonly DemoChunk[]> {
  const chunks = chunkMarkdown(await readFile(new URL(source, root), 'utf8'));
  // Two equal chunks of a page are one record.
  return [...new Map(chunks.map((chunk) => chunkOf(source, chunk)).map((made) => [made.id, made])).values()];
}

function chunkOf(source: string, { heading, text }: Chunk): DemoChunk {
  const content = JSON.stringify([embeddingVersion, source, heading, text]);
  const id = `${source}#${createHash('sha256').update(content).digest('hex').slice(0, 16)}`;
  return { id, source, heading, text };
}
