/**
 * Exports a collection into a folder: all records of one sequence, in parts, while writers go on. Every part that is finished
 * is in the manifest, so that a run which was stopped anywhere is taken up where it stood.
 */
import { join } from 'node:path';
import { CairnError, isCairnError, limits } from '../../core/index.js';
import type { Collection, RecordOutput } from '../../core/index.js';
import { mustBeEmptyFolder, tryReadManifest, verifyPart, writeManifest } from './folder.js';
import { collectionOf, firstManifest, MANIFEST_FILE, partName, withPart } from './manifest.js';
import type { Manifest, ManifestPart, PartFormat } from './manifest.js';
import { createPart } from './part-files.js';
import type { PartWriter } from './part.js';

export interface ExportOptions {
  readonly folder: string;
  readonly format: PartFormat;
  readonly newId: () => string;
  readonly nowMs: () => number;
  readonly onPart: (part: ManifestPart) => void;
}

export interface ExportResult {
  readonly manifest: Manifest;
  /** Parts that an earlier run had finished. */
  readonly kept: number;
}

/**
 * Throws `file_damaged` where a finished part is no longer what the manifest says, `conflict` where the folder holds another
 * export (`export_differs`) or its sequence is no longer kept (`sequence_not_kept`), `folder_not_empty`.
 */
export async function exportCollection(
  collection: Collection,
  options: ExportOptions,
): Promise<ExportResult> {
  const begun = await tryReadManifest(options.folder);
  if (begun === undefined) {
    await mustBeEmptyFolder(options.folder);
    return { manifest: await new Export(collection, options).run(), kept: 0 };
  }
  await mustBeOf(collection, begun, options);
  for (const part of begun.parts) await verifyPart(options.folder, part);
  const kept = begun.parts.length;
  if (begun.complete) return { manifest: begun, kept };
  return { manifest: await new Export(collection, options, begun).run(), kept };
}

async function mustBeOf(
  collection: Collection,
  begun: Manifest,
  { folder, format }: ExportOptions,
): Promise<void> {
  const wanted = collectionOf(await collection.describe());
  if (JSON.stringify(begun.collection) !== JSON.stringify(wanted)) {
    const of = `${begun.collection.name}, created at ${begun.collection.created_at}`;
    throw differs(folder, `holds an export of another collection: ${of}`);
  }
  if (begun.part_format !== format)
    throw differs(folder, `holds an export as ${begun.part_format}, not ${format}`);
}

function differs(folder: string, reason: string): CairnError {
  return new CairnError('conflict', 'export_differs', `${folder} ${reason}`, { details: { folder } });
}

class Export {
  readonly #collection: Collection;
  readonly #options: ExportOptions;
  #manifest: Manifest | undefined;
  #part: OpenPart | undefined;

  constructor(collection: Collection, options: ExportOptions, begun?: Manifest) {
    this.#collection = collection;
    this.#options = options;
    this.#manifest = begun;
  }

  async run(): Promise<Manifest> {
    const after = this.#manifest?.parts.at(-1)?.last_id;
    const pages = this.#collection.scanAll({
      include: ['vector', 'metadata', 'expires_at'],
      includeDeleted: true,
      ...(this.#manifest === undefined ? {} : { asOf: this.#manifest.sequence }),
      ...(after === undefined ? {} : { after }),
    });
    try {
      for await (const { records, sequence } of pages) {
        this.#manifest ??= await this.#begin(sequence);
        await this.#take(records);
      }
      await this.#endPart();
      return await this.#save({ ...this.#manifest!, complete: true });
    } catch (error) {
      await this.#part?.writer.abandon();
      throw isCairnError(error) ? this.#explained(error) : error;
    }
  }

  async #begin(sequence: number): Promise<Manifest> {
    const { newId, nowMs, format } = this.#options;
    const collection = collectionOf(await this.#collection.describe());
    const createdAt = new Date(nowMs()).toISOString();
    return await this.#save(firstManifest(collection, { id: newId(), createdAt, sequence, format }));
  }

  /** Before anything else is done: a part counts from here on. */
  async #save(manifest: Manifest): Promise<Manifest> {
    await writeManifest(this.#options.folder, manifest);
    this.#manifest = manifest;
    return manifest;
  }

  async #take(records: readonly RecordOutput[]): Promise<void> {
    for (let from = 0; from < records.length;) {
      const part = (this.#part ??= await this.#newPart());
      const some = records.slice(from, from + limits.exportPartRows - part.rows);
      await part.write(some);
      from += some.length;
      if (part.rows >= limits.exportPartRows || part.writer.size >= limits.exportPartBytes)
        await this.#endPart();
    }
  }

  async #newPart(): Promise<OpenPart> {
    const { folder, format } = this.#options;
    const { length } = this.#manifest!.parts;
    const name = partName(length, format);
    return new OpenPart(name, await createPart(folder, name, format));
  }

  async #endPart(): Promise<void> {
    if (this.#part === undefined) return;
    const part = await this.#part.finish();
    this.#part = undefined;
    await this.#save(withPart(this.#manifest!, part));
    this.#options.onPart(part);
  }

  #explained(error: CairnError): CairnError {
    if (error.code !== 'sequence_out_of_range') return error;
    const { folder } = this.#options;
    const { sequence } = this.#manifest!;
    const { name } = this.#collection;
    return new CairnError(
      'conflict',
      'sequence_not_kept',
      `${join(folder, MANIFEST_FILE)} is of sequence ${sequence} of ${name}, which compactions have since gone beyond: ` +
        'remove the folder and export anew, with maintenance off for as long as it takes',
      { details: { folder, sequence, collection: name }, cause: error },
    );
  }
}

class OpenPart {
  readonly #name: string;
  readonly writer: PartWriter;
  rows = 0;
  #firstId = '';
  #lastId = '';

  constructor(name: string, writer: PartWriter) {
    this.#name = name;
    this.writer = writer;
  }

  async write(records: readonly RecordOutput[]): Promise<void> {
    if (this.rows === 0) this.#firstId = records[0]!.id;
    this.#lastId = records.at(-1)!.id;
    this.rows += records.length;
    await this.writer.write(records);
  }

  async finish(): Promise<ManifestPart> {
    const { bytes, sha256 } = await this.writer.finish();
    const ids = { first_id: this.#firstId, last_id: this.#lastId };
    return { name: this.#name, rows: this.rows, bytes, sha256, ...ids };
  }
}
