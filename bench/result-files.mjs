/**
 * What a bench found, as files: JSON with everything, Markdown or SVG to read. They go to bench/results, or to the
 * folder that is named; each says what it ran on.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** Where results are kept. */
export const resultsHome = fileURLToPath(new URL('results', import.meta.url));

/** What figures depend on. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

/** @param {ReturnType<typeof machine>} found */
export function machineLine({ date, node, processor, cores, memoryGiB }) {
  return `${date}, Node ${node.slice(1)}, ${cores} cores of ${processor}, ${memoryGiB} GiB`;
}

/**
 * @param {string | undefined} folder
 * @param {string} name without an ending
 * @param {{ json: object, md?: string, svg?: string }} contents
 */
export function writeResults(folder, name, contents) {
  const into = folder === undefined ? resultsHome : resolve(folder);
  mkdirSync(into, { recursive: true });
  const texts = { ...contents, json: `${JSON.stringify(contents.json, null, 2)}\n` };
  for (const [ending, text] of Object.entries(texts)) {
    const path = join(into, `${name}.${ending}`);
    writeFileSync(path, text);
    console.log(`written: ${relative(process.cwd(), path)}`);
  }
}

/**
 * A Markdown table.
 * @param {readonly string[]} head
 * @param {readonly (readonly (string | number)[])[]} rows
 */
export function table(head, rows) {
  const line = (/** @type {readonly (string | number)[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
