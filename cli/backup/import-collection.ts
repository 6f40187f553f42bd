/**
 * Imports an export, or a single file that anybody wrote, into a collection. All checksums are held against the manifest
 * before the first record is written. Each commit goes under a key made of what is imported and the commit's place in it: a
 * run that was stopped is repeated, and what it had written is passed over.
 */
import { join } from 'node:path';
import { CairnError } from '../../core/index.js';
import type {
  CollectionDescription,
  CollectionSettings,
  CreatedCollection,
  Database,
} from '../../core/index.js';
import { applyBatch, batchesOf } from './batches.js';
import type { Batch } from './batches.js';
import { damaged, unusable } from './file-fault.js';
import { hashFile, isFolder, tryFileBytes, tryReadManifest, verifyPart } from './folder.js';
import { compareIds, MANIFEST_FILE, settingsOf } from './manifest.js';
import type { Manifest, ManifestMetric, ManifestPart, PartFormat } from './manifest.js';
import { rowsOf } from './part-files.js';
import type { PartRow, PartRows } from './part.js';
import { RowTally } from './row-tally.js';

export interface ImportOptions {
  /** The folder of an export, or one file of NDJSON or Parquet. */
  readonly source: string;
  /** Default: the manifest's. A file needs one. */
  readonly name: string | undefined;
  /** Of a collection that is made for a file. An export tells its own. */
  readonly metric: ManifestMetric | undefined;
  readonly nowMs: () => number;
  readonly onFile: (file: ImportedFile) => void;
}

export interface ImportedFile {
  readonly name: string;
  readonly rows: number;
}

export interface ImportResult {
  readonly collection: string;
  /** False where it was there already. */
  readonly created: boolean;
  readonly rows: number;
  readonly commits: number;
  /** Of these, commits that an earlier run had made. */
  readonly repeated: number;
  /** Records of the collection afterwards, soft-deleted ones included. */
  readonly count: number;
  readonly sequence: number;
}

/**
 * Throws `corrupt` (`file_damaged`), `conflict` (`collection_exists`, where the collection has other settings;
 * `import_incomplete`, where records are missing in the end), `invalid` for files that cannot be read as records.
 */
export async function importCollection(database: Database, options: ImportOptions): Promise<ImportResult> {
  return (await isFolder(options.source))
    ? await importExport(database, options)
    : await importFile(database, options);
}

async function importExport(database: Database, options: ImportOptions): Promise<ImportResult> {
  const { source, name, metric } = options;
  const manifest = await mustBeWhole(source);
  if (metric !== undefined)
    throw unusable(source, { code: 'invalid_request', reason: 'the metric of an export is in its manifest' });
  for (const part of manifest.parts) await verifyPart(source, part);
  const { collection } = manifest;
  const target = await database.createCollection(name ?? collection.name, settingsOf(collection));
  const run = await Import.begin(target, options);
  for (const [i, part] of manifest.parts.entries()) {
    const rows = asManifested(rowsOf(join(source, part.name), manifest.part_format), source, part);
    await run.apply(rows, { file: join(source, part.name), name: part.name, key: `${manifest.id}/${i}` });
  }
  return await run.end({ unique: true });
}

async function mustBeWhole(folder: string): Promise<Manifest> {
  const manifest = await tryReadManifest(folder);
  if (manifest === undefined)
    throw unusable(folder, { code: 'invalid_manifest', reason: `has no ${MANIFEST_FILE}` });
  if (manifest.complete) return manifest;
  const reason = `the export is not complete: finish it with cairn export ${manifest.collection.name} --out FOLDER`;
  throw unusable(folder, { code: 'export_incomplete', reason });
}

/** Rows as many as the manifest says, from the first id to the last, each id above the one before. */
async function* asManifested(rows: PartRows, folder: string, part: ManifestPart): PartRows {
  const file = join(folder, part.name);
  let count = 0;
  let last: string | undefined;
  for await (const row of rows) {
    const { id } = row.record;
    if (++count > part.rows) throw damaged(file, { expected: `${part.rows} rows`, found: 'more' });
    if (typeof id !== 'string') throw damaged(file, { expected: `an id in ${row.place}`, found: 'none' });
    if (last === undefined && id !== part.first_id)
      throw damaged(file, { expected: `first id ${part.first_id}`, found: id.slice(0, 80) });
    if (last !== undefined && compareIds(last, id) >= 0)
      throw damaged(file, {
        expected: `ids that ascend, in ${row.place}`,
        found: `${id.slice(0, 80)} after ${last}`,
      });
    last = id;
    yield row;
  }
  if (count !== part.rows) throw damaged(file, { expected: `${part.rows} rows`, found: String(count) });
  if (last !== part.last_id)
    throw damaged(file, { expected: `last id ${part.last_id}`, found: String(last) });
}

async function importFile(database: Database, options: ImportOptions): Promise<ImportResult> {
  const { source, name, metric } = options;
  if (name === undefined)
    throw unusable(source, { code: 'invalid_request', reason: 'a file needs --collection NAME' });
  if (((await tryFileBytes(source)) ?? 0) === 0)
    throw unusable(source, { code: 'invalid_file', reason: 'is empty' });
  const format = formatOf(source);
  const key = await hashFile(source);
  const dimension = await firstDimension(rowsOf(source, format), source);
  const target = await createLike(database, name, { dimension, ...(metric === undefined ? {} : { metric }) });
  const run = await Import.begin(target, options);
  await run.apply(rowsOf(source, format), { file: source, name: source, key: `${key}/0` });
  return await run.end({ unique: false });
}

function formatOf(path: string): PartFormat {
  if (/\.parquet$/i.test(path)) return 'parquet';
  if (/\.(?:ndjson|jsonl)(?:\.gz)?$/i.test(path)) return 'ndjson';
  throw unusable(path, {
    code: 'invalid_file',
    reason: 'must end in .ndjson, .jsonl, either with .gz, or .parquet',
  });
}

async function firstDimension(rows: PartRows, file: string): Promise<number> {
  for await (const { record, place } of rows) {
    const { vector } = record;
    const dimension = typeof vector === 'string' ? Buffer.from(vector, 'base64').length / 4 : vector?.length;
    if (Number.isSafeInteger(dimension) && dimension > 0) return dimension;
    throw unusable(
      file,
      { code: 'invalid_vector', reason: `${place}: needs a vector, which tells the dimension` },
      { where: place },
    );
  }
  throw unusable(file, { code: 'invalid_file', reason: 'has no records' });
}

/** A collection that is there keeps its settings, but for what is asked of them here. */
async function createLike(
  database: Database,
  name: string,
  wanted: Pick<CollectionSettings, 'dimension' | 'metric'>,
): Promise<CreatedCollection> {
  try {
    const { metric, tier, index, quantization, fields, softDeleteDays } = await database
      .collection(name)
      .describe();
    const kept = { metric, tier, index, quantization, fields, softDeleteDays };
    return await database.createCollection(name, { ...kept, ...wanted });
  } catch (error) {
    if (!(error instanceof CairnError) || error.code !== 'collection_not_found') throw error;
    return await database.createCollection(name, wanted);
  }
}

interface Source {
  readonly file: string;
  readonly name: string;
  /** The same for the same content. */
  readonly key: string;
}

class Import {
  readonly #target: CreatedCollection;
  readonly #options: ImportOptions;
  readonly #startedAt: number;
  readonly #tally: RowTally;
  #commits = 0;
  #repeated = 0;

  static async begin(target: CreatedCollection, options: ImportOptions): Promise<Import> {
    return new Import(target, options, await target.describe());
  }

  private constructor(
    target: CreatedCollection,
    options: ImportOptions,
    { sequence, softDeleteDays }: Pick<CollectionDescription, 'sequence' | 'softDeleteDays'>,
  ) {
    this.#target = target;
    this.#options = options;
    this.#startedAt = sequence;
    this.#tally = new RowTally({ nowMs: options.nowMs, keepsDeleted: softDeleteDays > 0 });
  }

  async apply(rows: PartRows, { file, name, key }: Source): Promise<void> {
    const before = this.#tally.rows;
    let commit = 0;
    for await (const batch of batchesOf(rows)) {
      await this.#commit(batch, { file, key: `import/${key}/${commit}` });
      commit++;
    }
    this.#options.onFile({ name, rows: this.#tally.rows - before });
  }

  async #commit(batch: Batch, place: { readonly file: string; readonly key: string }): Promise<void> {
    const { sequence } = await applyBatch(this.#target, batch, place);
    this.#commits++;
    if (sequence <= this.#startedAt) this.#repeated++;
    batch.forEach((row: PartRow) => this.#tally.add(row));
  }

  /** `unique`: no id comes twice, so that there is a number of records to expect. */
  async end({ unique }: { readonly unique: boolean }): Promise<ImportResult> {
    const { count, sequence } = await this.#target.count({ includeDeleted: true });
    const least = this.#tally.leastCount();
    if (unique && count < least) throw this.#incomplete(count, least);
    return {
      collection: this.#target.name,
      created: this.#target.created,
      rows: this.#tally.rows,
      commits: this.#commits,
      repeated: this.#repeated,
      count,
      sequence,
    };
  }

  #incomplete(count: number, least: number): CairnError {
    const again =
      this.#repeated === 0
        ? 'somebody has deleted records meanwhile'
        : `${this.#repeated} of ${this.#commits} commits were made by an earlier run and not again, and records were ` +
          'deleted since: import under another name, or drop the collection first';
    const message = `collection ${this.#target.name} has ${count} records, at least ${least} were imported: ${again}`;
    return new CairnError('conflict', 'import_incomplete', message, {
      details: { collection: this.#target.name, count, expected: least },
    });
  }
}
