/**
 * The manifest of an export: which collection at which sequence, and what each part holds. JSON, so that other tools read
 * it; with a SHA-256 of its own body, so that it vouches for the parts' checksums.
 *
 *   checksum = SHA-256 of JSON.stringify of all other fields, in the order of the file
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { CollectionDescription, CollectionSettings } from '../../core/index.js';
import { damaged, unusable } from './file-fault.js';

export const MANIFEST_FILE = 'manifest.json';
const FORMAT = 'cairn-export';
const VERSION = 1;

export const PART_FORMATS = ['ndjson', 'parquet'] as const;
export type PartFormat = (typeof PART_FORMATS)[number];

const EXTENSIONS: Readonly<Record<PartFormat, string>> = { ndjson: 'ndjson.gz', parquet: 'parquet' };

export interface ManifestPart {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly first_id: string;
  readonly last_id: string;
}

export const METRICS = ['cosine', 'euclidean', 'dot', 'manhattan'] as const;
export type ManifestMetric = (typeof METRICS)[number];

type ManifestQuantization =
  | 'sq8'
  | 'none'
  | 'rabitq'
  | 'pq'
  | { readonly type: 'rabitq'; readonly bits: number }
  | { readonly type: 'pq'; readonly compression: number };

/** As `createCollection` takes it, in the names of the HTTP interface. */
export interface ManifestCollection {
  readonly name: string;
  readonly created_at: string;
  readonly dimension: number;
  readonly metric: ManifestMetric;
  readonly tier: 'edge' | 'server';
  readonly index: { readonly m: number; readonly ef_construction: number };
  readonly quantization: ManifestQuantization;
  readonly fields: Readonly<Record<string, { readonly filterable: boolean }>>;
  readonly soft_delete_days: number;
}

export interface Manifest {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** A UUID: imports derive their idempotency keys from it. */
  readonly id: string;
  readonly created_at: string;
  /** False while parts are still to come. */
  readonly complete: boolean;
  readonly collection: ManifestCollection;
  /** Null until the state of that sequence is kept by a snapshot. */
  readonly sequence: number | null;
  readonly part_format: PartFormat;
  readonly rows: number;
  readonly parts: readonly ManifestPart[];
  /** Of the scan behind the last part; null at the beginning and at the end. */
  readonly cursor: string | null;
}

const whole = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const schema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  id: z.uuid(),
  created_at: z.iso.datetime(),
  complete: z.boolean(),
  collection: z.strictObject({
    name: z.string(),
    created_at: z.iso.datetime(),
    dimension: whole,
    metric: z.enum(METRICS),
    tier: z.enum(['edge', 'server']),
    index: z.strictObject({ m: whole, ef_construction: whole }),
    quantization: z.union([
      z.enum(['sq8', 'none', 'rabitq', 'pq']),
      z.strictObject({ type: z.literal('rabitq'), bits: whole }),
      z.strictObject({ type: z.literal('pq'), compression: whole }),
    ]),
    fields: z.record(z.string(), z.strictObject({ filterable: z.boolean() })),
    soft_delete_days: whole,
  }),
  sequence: whole.nullable(),
  part_format: z.enum(PART_FORMATS),
  rows: whole,
  parts: z.array(
    z.strictObject({
      name: z.string(),
      rows: z.int().min(1),
      bytes: z.int().min(1),
      sha256,
      first_id: z.string().min(1),
      last_id: z.string().min(1),
    }),
  ),
  cursor: z.string().nullable(),
});

export function partName(index: number, format: PartFormat): string {
  return `part-${String(index).padStart(5, '0')}.${EXTENSIONS[format]}`;
}

export interface FirstManifest {
  readonly id: string;
  readonly createdAt: string;
  readonly format: PartFormat;
}

/** A manifest without parts. */
export function firstManifest(
  collection: ManifestCollection,
  { id, createdAt, format }: FirstManifest,
): Manifest {
  return {
    format: FORMAT,
    version: VERSION,
    id,
    created_at: createdAt,
    complete: false,
    collection,
    sequence: null,
    part_format: format,
    rows: 0,
    parts: [],
    cursor: null,
  };
}

/** `cursor`: behind the part. */
export function withPart(manifest: Manifest, part: ManifestPart, cursor: string | null): Manifest {
  return { ...manifest, rows: manifest.rows + part.rows, parts: [...manifest.parts, part], cursor };
}

export function collectionOf(description: CollectionDescription): ManifestCollection {
  const { name, createdAt, dimension, metric, tier, index, quantization, fields, softDeleteDays } =
    description;
  return {
    name,
    created_at: createdAt,
    dimension,
    metric,
    tier,
    index: { m: index.m, ef_construction: index.efConstruction },
    quantization,
    fields,
    soft_delete_days: softDeleteDays,
  };
}

export function settingsOf(collection: ManifestCollection): CollectionSettings {
  const { dimension, metric, tier, index, quantization, fields, soft_delete_days } = collection;
  return {
    dimension,
    metric,
    tier,
    index: { m: index.m, efConstruction: index.ef_construction },
    quantization,
    fields,
    softDeleteDays: soft_delete_days,
  };
}

export function manifestToText(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, checksum: checksumOf(manifest) }, null, 2)}\n`;
}

function checksumOf(body: object): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

/** Throws `invalid` (`invalid_manifest`) for what is none of ours, `corrupt` (`file_damaged`) for one that changed. */
export function parseManifest(text: string, file: string): Manifest {
  const { checksum, ...body } = mustBeOurs(text, file);
  const found = checksumOf(body);
  if (checksum !== found)
    throw damaged(file, { expected: `checksum ${String(checksum).slice(0, 80)}`, found });
  const result = schema.safeParse(body);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    throw unusable(file, {
      code: 'invalid_manifest',
      reason: `${path.join('.') || 'manifest'}: ${message.toLowerCase()}`,
    });
  }
  const manifest = result.data as Manifest;
  mustAddUp(manifest, file);
  return { ...manifest, collection: inEffect(manifest.collection) };
}

/** Collections of before could ask for what no code keeps, and were sq8: as they are described now. */
function inEffect(collection: ManifestCollection): ManifestCollection {
  const { metric, quantization } = collection;
  const type = typeof quantization === 'string' ? quantization : quantization.type;
  return type === 'rabitq' && metric === 'manhattan' ? { ...collection, quantization: 'sq8' } : collection;
}

function mustBeOurs(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(file, { expected: 'JSON', found: (error as Error).message });
  }
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (fields['format'] !== FORMAT)
    throw unusable(file, { code: 'invalid_manifest', reason: `is no manifest of ${FORMAT}` });
  const { version } = fields;
  if (version === VERSION) return fields;
  throw unusable(file, {
    code: 'invalid_manifest',
    reason: `is of version ${JSON.stringify(version)}, this command reads ${VERSION}`,
  });
}

/** Names are made here and only compared, so no path of a manifest is ever opened. */
function mustAddUp({ parts, part_format, rows }: Manifest, file: string): void {
  const refuse = (reason: string): never => {
    throw unusable(file, { code: 'invalid_manifest', reason });
  };
  let last: string | undefined;
  parts.forEach(({ name, first_id, last_id }, i) => {
    const wanted = partName(i, part_format);
    if (name !== wanted)
      refuse(`parts.${i}.name must be ${wanted}, got ${JSON.stringify(name.slice(0, 80))}`);
    if (compareIds(first_id, last_id) > 0 || (last !== undefined && compareIds(last, first_id) >= 0))
      refuse(`parts.${i}: ids must ascend from part to part`);
    last = last_id;
  });
  const sum = parts.reduce((total, part) => total + part.rows, 0);
  if (sum !== rows) refuse(`rows is ${rows}, its parts have ${sum}`);
}

/** In the order of UTF-8 bytes, as exports are. */
export function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
