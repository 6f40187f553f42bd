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
    return {
      manifest: await new Export(collection, options, await begin(collection, options)).run(),
      kept: 0,
    };
  }
  await mustBeOf(collection, begun, options);
  for (const part of begun.parts) await verifyPart(options.folder, part);
  const kept = begun.parts.length;
  if (begun.complete) return { manifest: begun, kept };
  return { manifest: await new Export(collection, options, begun).run(), kept };
}

/** The folder is taken before anything is kept for it. */
async function begin(
  collection: Collection,
  { folder, newId, nowMs, format }: ExportOptions,
): Promise<Manifest> {
  const createdAt = new Date(nowMs()).toISOString();
  const of = collectionOf(await collection.describe());
  const manifest = firstManifest(of, { id: newId(), createdAt, format });
  await writeManifest(folder, manifest);
  return manifest;
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
  #manifest: Manifest;
  #part: OpenPart | undefined;

  constructor(collection: Collection, options: ExportOptions, begun: Manifest) {
    this.#collection = collection;
    this.#options = options;
    this.#manifest = begun;
  }

  async run(): Promise<Manifest> {
    const name = `export-${this.#manifest.id}`;
    const sequence = this.#manifest.sequence ?? (await this.#keep(name));
    try {
      // Parts without a cursor behind them are all that there are.
      if (this.#manifest.cursor !== null || this.#manifest.parts.length === 0) await this.#copy(sequence);
      await this.#save({ ...this.#manifest, complete: true });
    } catch (error) {
      await this.#part?.writer.abandon();
      throw isCairnError(error) ? this.#explained(error) : error;
    }
    await this.#collection.deleteSnapshot(name).catch(unlessGone);
    return this.#manifest;
  }

  /** The state stays until the export is complete, whatever is folded and collected meanwhile. */
  async #keep(name: string): Promise<number> {
    const snapshots = await this.#collection.listSnapshots();
    const { sequence } =
      snapshots.find((snapshot) => snapshot.name === name) ??
      (await this.#collection.createSnapshot({ name }));
    await this.#save({ ...this.#manifest, sequence });
    return sequence;
  }

  async #copy(asOf: number): Promise<void> {
    const include = ['vector', 'metadata', 'expires_at'];
    const { dimension } = this.#manifest.collection;
    const most = Math.min(limits.exportPageRecords, Math.floor(limits.exportPageNumbers / dimension));
    for (let cursor = this.#manifest.cursor; ;) {
      const limit = Math.max(1, Math.min(most, limits.exportPartRows - (this.#part?.rows ?? 0)));
      const page = await this.#collection.scan({
        ...{ asOf, limit, include, includeDeleted: true },
        ...(cursor === null ? {} : { cursor }),
      });
      cursor = page.cursor ?? null;
      if (page.records.length > 0) await this.#take(page.records);
      const { rows = 0, writer } = this.#part ?? {};
      const isFull = rows >= limits.exportPartRows || (writer?.size ?? 0) >= limits.exportPartBytes;
      if (cursor === null || isFull) await this.#endPart(cursor);
      if (cursor === null) return;
    }
  }

  /** Before anything else is done: a part counts from here on. */
  async #save(manifest: Manifest): Promise<void> {
    await writeManifest(this.#options.folder, manifest);
    this.#manifest = manifest;
  }

  async #take(records: readonly RecordOutput[]): Promise<void> {
    this.#part ??= await this.#newPart();
    await this.#part.write(records);
  }

  async #newPart(): Promise<OpenPart> {
    const { folder, format } = this.#options;
    const { length } = this.#manifest.parts;
    const name = partName(length, format);
    return new OpenPart(name, await createPart(folder, name, format));
  }

  async #endPart(cursor: string | null): Promise<void> {
    if (this.#part === undefined) return;
    const part = await this.#part.finish();
    this.#part = undefined;
    await this.#save(withPart(this.#manifest, part, cursor));
    this.#options.onPart(part);
  }

  #explained(error: CairnError): CairnError {
    if (error.code !== 'sequence_out_of_range') return error;
    const { folder } = this.#options;
    const { sequence, id } = this.#manifest;
    const { name } = this.#collection;
    return new CairnError(
      'conflict',
      'sequence_not_kept',
      `${join(folder, MANIFEST_FILE)} is of sequence ${sequence} of ${name}, which is no longer kept: its snapshot export-${id} was ` +
        'deleted. Remove the folder and export anew',
      { details: { folder, sequence: sequence ?? 0, collection: name }, cause: error },
    );
  }
}

/** Somebody else has deleted it: it is not needed any more. */
function unlessGone(error: unknown): void {
  if (!isCairnError(error) || error.code !== 'snapshot_not_found') throw error;
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
