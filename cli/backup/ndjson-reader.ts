/**
 * Lines of JSON, gzipped or not, one record a line: parts of ours, and files that anybody wrote. In constant memory, whatever
 * a few compressed bytes blow up to: a line that does not end within its limit is refused before it is put together.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { limits } from '../../core/index.js';
import type { RecordInput } from '../../core/index.js';
import { asUnusable, unusable } from './file-fault.js';
import { idOf } from './part.js';
import type { PartRow, PartRows } from './part.js';

const NEWLINE = 0x0a;
const FIELDS = ['id', 'vector', 'metadata', 'expires_at', 'deleted'];

export async function* readNdjson(path: string): PartRows {
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    const text = decode(line, path, number);
    if (text.trim() !== '') yield toRow(text, path, number);
  }
}

async function* linesOf(path: string): AsyncGenerator<Uint8Array> {
  const rest = new UnfinishedLine(path);
  for await (const chunk of inflated(path)) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield rest.endWith(chunk.subarray(from, end));
      from = end + 1;
    }
    rest.add(chunk.subarray(from));
  }
  if (rest.bytes > 0) yield rest.endWith(new Uint8Array(0));
}

class UnfinishedLine {
  readonly #path: string;
  #parts: Uint8Array[] = [];
  #line = 1;
  bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(part: Uint8Array): void {
    this.bytes += part.length;
    if (this.bytes > limits.importLineBytes) {
      const reason = `line ${this.#line}: importLineBytes is above the maximum of ${limits.importLineBytes}`;
      throw unusable(
        this.#path,
        { code: 'limit_exceeded', reason },
        {
          limit: 'importLineBytes',
          maximum: limits.importLineBytes,
          where: `line ${this.#line}`,
        },
      );
    }
    if (part.length > 0) this.#parts.push(part);
  }

  endWith(part: Uint8Array): Uint8Array {
    this.add(part);
    const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.bytes = 0;
    this.#line++;
    return line;
  }
}

/** Gzip is told by its first two bytes, whatever the file is called. */
async function* inflated(path: string): AsyncGenerator<Uint8Array> {
  const gzipped = await startsWith(path, [0x1f, 0x8b]);
  const file = createReadStream(path);
  // The errors of both reach whoever reads the last one.
  const source = gzipped ? pipeline(file, createGunzip(), () => {}) : file;
  try {
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (error) {
    throw asUnusable(path, error);
  } finally {
    file.destroy();
  }
}

async function startsWith(path: string, bytes: readonly number[]): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const found = Buffer.alloc(bytes.length);
    await handle.read(found, 0, bytes.length, 0);
    return found.equals(Buffer.from(bytes));
  } finally {
    await handle.close();
  }
}

function decode(line: Uint8Array, path: string, number: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line);
  } catch {
    throw unusable(
      path,
      { code: 'malformed_json', reason: `line ${number}: is not UTF-8` },
      { where: `line ${number}` },
    );
  }
}

function toRow(text: string, path: string, number: number): PartRow {
  const place = `line ${number}` as const;
  const refuse = (code: string, reason: string): never => {
    throw unusable(path, { code, reason: `${place}: ${reason}` }, { where: place });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    refuse('malformed_json', (error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse('malformed_json', 'a record is an object');
  const fields = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    refuse(
      'unknown_field',
      `unknown field ${JSON.stringify(unknown.slice(0, 80))}; known are ${FIELDS.join(', ')}`,
    );
  const { id, vector, metadata, expires_at, deleted = false } = fields;
  if (typeof deleted !== 'boolean') refuse('malformed_json', `deleted must be true or false`);
  const record = { id: idOf(id), vector, metadata, expiresAt: expires_at };
  return {
    record: withoutAbsent(record),
    deleted: deleted as boolean,
    bytes: text.length,
    place,
  };
}

/** Whatever a value is, the collection checks it. */
function withoutAbsent(record: Readonly<Record<keyof RecordInput, unknown>>): RecordInput {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  ) as unknown as RecordInput;
}
