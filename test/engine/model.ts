/**
 * A collection as plain data: a Map of records per sequence, distances by the textbook in f32 steps, JSON merge patch by
 * its RFC. It shares no code with the engine but the types of what goes in and comes out.
 */
import { isDeepStrictEqual } from 'node:util';
import type { FacetValue, JsonObject, JsonValue, Match, RecordOutput } from '../../core/index.js';
import { byUtf8 } from './fixture.js';

const DAY_MS = 86_400_000;

export type Metric = 'cosine' | 'euclidean' | 'dot' | 'manhattan';

export interface ModelRecord {
  readonly vector: readonly number[];
  readonly metadata: JsonObject | undefined;
  readonly expiresMs: number;
  /** Label of the slot that soft-deleted it; undefined while visible. */
  readonly hiddenMs: number | undefined;
}

export type DocumentPredicate = (document: JsonObject) => boolean;

interface ModelPatchRecord {
  readonly id: string;
  readonly vector: readonly number[] | undefined;
  readonly metadata: JsonObject | null | undefined;
}

/** What a write says, already as data: upserts, then patches, then a deletion, then restores. */
export interface ModelWrite {
  readonly upsert?: readonly {
    readonly id: string;
    readonly vector: readonly number[];
    readonly metadata: JsonObject | undefined;
    readonly expiresMs: number;
  }[];
  readonly patch?: {
    readonly mode: 'merge' | 'replace';
    readonly records: readonly ModelPatchRecord[];
    /** In place of records. */
    readonly filter?: { readonly holds: DocumentPredicate; readonly metadata: JsonObject | null };
  };
  readonly delete?: {
    readonly ids: readonly string[] | undefined;
    readonly filter: DocumentPredicate | undefined;
    readonly soft: boolean;
  };
  readonly restore?: readonly string[];
  readonly ifSequence?: number;
}

export interface ModelCounts {
  readonly upserted: number;
  readonly patched: number;
  readonly missing: number;
  readonly deleted: number;
  readonly restored: number;
}

export interface ModelQuery {
  readonly vector: readonly number[];
  readonly k: number;
  readonly filter: DocumentPredicate | undefined;
  readonly includeDeleted: boolean;
  readonly bound: number | undefined;
}

type Records = ReadonlyMap<string, ModelRecord>;

export class Model {
  readonly metric: Metric;
  readonly softDeleteDays: number;
  /** The state after each sequence, 0 first. */
  readonly history: Records[] = [new Map()];
  /** A sequence that a compaction folded. */
  folded = 0;
  #label = 0;
  readonly #changedAt = new Map<string, number>();
  /** Deleted after a compaction that may have dropped them already: then that delete was none. */
  readonly #deletedPerhaps = new Set<string>();

  constructor(metric: Metric, softDeleteDays: number) {
    this.metric = metric;
    this.softDeleteDays = softDeleteDays;
  }

  get sequence(): number {
    return this.history.length - 1;
  }

  get records(): Records {
    return this.history.at(-1)!;
  }

  /** Whether a write that is to land in slot `sequence` meets its condition. Slots are begun by `beginSlot`. */
  meetsCondition(write: ModelWrite): boolean {
    const { ifSequence } = write;
    if (ifSequence === undefined) return true;
    const named = [
      ...(write.upsert ?? []).map(({ id }) => id),
      ...(write.patch?.records ?? []).map(({ id }) => id),
      ...(write.delete?.ids ?? []),
    ];
    return named.every((id) => this.#isForgotten(id) || (this.#changedAt.get(id) ?? 0) <= ifSequence);
  }

  /**
   * Whether the condition hangs on a record of which a compaction forgot when it was deleted, or may have dropped it as its
   * time was over: then refusing it is right. (A process that has not followed the compaction yet still knows.)
   */
  mayBeRefused({ ifSequence, upsert, patch, delete: removal }: ModelWrite): boolean {
    if (ifSequence === undefined) return false;
    const named = [...(upsert ?? []), ...(patch?.records ?? [])].map(({ id }) => id);
    return [...named, ...(removal?.ids ?? [])].some((id) => {
      if (!this.#isForgotten(id)) return false;
      const changed = this.#changedAt.get(id) ?? 0;
      return changed > ifSequence || (ifSequence > 0 && ifSequence < this.folded);
    });
  }

  #isForgotten(id: string): boolean {
    if (this.#deletedPerhaps.has(id)) return true;
    if (this.folded === 0 || (this.#changedAt.get(id) ?? 0) > this.folded) return false;
    const record = this.history[this.folded]!.get(id);
    return record === undefined || record.hiddenMs !== undefined || record.expiresMs !== Infinity;
  }

  /** Every write that follows, up to the next call, belongs to one slot. */
  beginSlot(nowMs: number): void {
    this.#label = Math.max(this.#label + 1, nowMs);
    this.history.push(new Map(this.records));
  }

  apply(write: ModelWrite, nowMs: number): ModelCounts {
    const records = this.history.at(-1) as Map<string, ModelRecord>;
    const set = (id: string, record: ModelRecord | undefined): void => {
      if (record?.hiddenMs === undefined) this.#deletedPerhaps.delete(id);
      if (record === undefined) records.delete(id);
      else records.set(id, record);
      this.#changedAt.set(id, this.sequence);
    };
    for (const { id, ...record } of write.upsert ?? []) set(id, { ...record, hiddenMs: undefined });
    const patched = new Set<string>();
    const missing = new Set<string>();
    for (const { id, vector, metadata } of this.#patches(records, write, nowMs)) {
      const old = records.get(id);
      if (old === undefined || old.hiddenMs !== undefined || old.expiresMs <= nowMs) {
        missing.add(id);
        continue;
      }
      patched.add(id);
      set(id, {
        ...old,
        vector: vector ?? old.vector,
        metadata: metadata === undefined ? old.metadata : patchOf(old.metadata, metadata, write.patch!.mode),
      });
    }
    let deleted = 0;
    if (write.delete !== undefined) {
      const { ids, filter, soft } = write.delete;
      const named =
        ids ?? this.visible(records, nowMs, false).filter((id) => filter!(document(records.get(id)!)));
      deleted = new Set(named).size;
      for (const id of new Set(named)) {
        const old = records.get(id);
        if (old === undefined || (soft && old.hiddenMs !== undefined)) continue;
        const perhaps = this.#isForgotten(id);
        set(id, soft ? { ...old, hiddenMs: this.#label } : undefined);
        if (perhaps) this.#deletedPerhaps.add(id);
      }
    }
    let restored = 0;
    for (const id of new Set(write.restore ?? [])) {
      const old = records.get(id);
      if (old?.hiddenMs === undefined || old.expiresMs <= nowMs || this.#isGone(old, nowMs)) missing.add(id);
      else {
        set(id, { ...old, hiddenMs: undefined });
        restored++;
      }
    }
    const upserted = new Set((write.upsert ?? []).map(({ id }) => id)).size;
    return { upserted, patched: patched.size, missing: missing.size, deleted, restored };
  }

  #patches(records: Records, { patch }: ModelWrite, nowMs: number): readonly ModelPatchRecord[] {
    if (patch?.filter === undefined) return patch?.records ?? [];
    const { holds, metadata } = patch.filter;
    // Copies, because generated objects may have no prototype, which is no difference between records.
    return this.visible(records, nowMs, false).flatMap((id): ModelPatchRecord[] => {
      const old = document(records.get(id)!);
      const changed = patchOf(old, metadata, patch.mode) ?? {};
      return holds(old) && !isDeepStrictEqual(structuredClone(changed), structuredClone(old))
        ? [{ id, vector: undefined, metadata }]
        : [];
    });
  }

  /** Ids in the order of some fields. */
  inOrder(records: Records, ids: readonly string[], order: readonly ModelOrder[]): readonly string[] {
    const keysOf = (id: string): ModelKeys => orderKeys(document(records.get(id)!), order);
    return ids.toSorted((a, b) => compareKeys(keysOf(a), keysOf(b), order) || byUtf8(a, b));
  }

  #isGone(record: ModelRecord, nowMs: number): boolean {
    return record.hiddenMs !== undefined && record.hiddenMs + this.softDeleteDays * DAY_MS <= nowMs;
  }

  /** Ids that a read sees, in the order of their bytes. */
  visible(records: Records, nowMs: number, includeDeleted: boolean): string[] {
    const seen = [...records].filter(([, record]) => {
      if (record.expiresMs <= nowMs) return false;
      return record.hiddenMs === undefined || (includeDeleted && !this.#isGone(record, nowMs));
    });
    return seen.map(([id]) => id).sort(byUtf8);
  }

  query(records: Records, nowMs: number, query: ModelQuery): Match[] {
    const candidates = this.visible(records, nowMs, query.includeDeleted)
      .map((id) => ({ id, record: records.get(id)! }))
      .filter(({ record }) => query.filter === undefined || query.filter(document(record)))
      .map(({ id, record }) => ({ id, record, ...measure(this.metric, query.vector, record.vector) }));
    candidates.sort((a, b) => a.distance - b.distance || byUtf8(a.id, b.id));
    const similarity = this.metric === 'cosine' || this.metric === 'dot';
    const { bound } = query;
    return candidates
      .slice(0, query.k)
      .filter(({ score }) => bound === undefined || (similarity ? score >= bound : score <= bound))
      .map(({ id, score, record }) => ({ id, score, ...shown(record) }));
  }
}

/** A record as `include: ['metadata', 'vector', 'expires_at']` shows it. */
export function shown(record: ModelRecord): Omit<RecordOutput, 'id'> {
  return {
    vector: record.vector,
    metadata: document(record),
    ...(record.expiresMs === Infinity ? {} : { expiresAt: new Date(record.expiresMs).toISOString() }),
    ...(record.hiddenMs === undefined ? {} : { deleted: true as const }),
  };
}

export function document(record: ModelRecord): JsonObject {
  return record.metadata ?? {};
}

function patchOf(
  old: JsonObject | undefined,
  patch: JsonObject | null,
  mode: 'merge' | 'replace',
): JsonObject | undefined {
  if (patch === null) return undefined;
  return mode === 'replace' ? patch : (mergePatch(old ?? {}, patch) as JsonObject);
}

/** MergePatch of RFC 7396, section 2, line by line. */
function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const merged = new Map<string, JsonValue>(isObject ? Object.entries(target as JsonObject) : []);
  for (const [name, value] of Object.entries(patch as JsonObject)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

/** Numbers of the tests are small multiples of 1/4, so that sums are exact in f32 whatever their order. */
function measure(
  metric: Metric,
  query: readonly number[],
  row: readonly number[],
): { readonly distance: number; readonly score: number } {
  const sum = (term: (a: number, b: number) => number): number =>
    query.reduce((total, a, i) => total + term(a, row[i]!), 0);
  if (metric === 'euclidean') {
    const distance = sum((a, b) => (a - b) ** 2);
    return { distance, score: Math.sqrt(distance) };
  }
  if (metric === 'manhattan') {
    const distance = sum((a, b) => Math.abs(a - b));
    return { distance, score: distance };
  }
  const dot = sum((a, b) => a * b);
  if (metric === 'dot') return { distance: -dot, score: dot };
  const scale = (v: readonly number[]): number =>
    Math.fround(1 / Math.sqrt(v.reduce((total, a) => total + a * a, 0)));
  const nearness = Math.fround(dot * scale(row));
  return { distance: -nearness, score: Math.max(-1, Math.min(1, nearness * scale(query))) };
}

/** The scalars at a path: of each way to join its parts into keys, through arrays. */
function scalarsAt(value: JsonValue, parts: readonly string[]): JsonValue[] {
  if (Array.isArray(value)) return (value as JsonValue[]).flatMap((item) => scalarsAt(item, parts));
  if (parts.length === 0) return typeof value === 'object' && value !== null ? [] : [value];
  if (typeof value !== 'object' || value === null) return [];
  return parts.flatMap((_, i) => {
    const key = parts.slice(0, i + 1).join('.');
    return Object.hasOwn(value, key) ? scalarsAt((value as JsonObject)[key]!, parts.slice(i + 1)) : [];
  });
}

const TYPES = ['null', 'false', 'true', 'number', 'instant', 'string'];

function typeOf(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return typeof value;
  return /^\d{4}-\d\d-\d\d/.test(value) ? 'instant' : 'string';
}

/** `bytes`: strings as they are given, whatever they mean. */
function compareValues(a: JsonValue, b: JsonValue, bytes: boolean): number {
  const type = (value: JsonValue): string => (bytes && typeof value === 'string' ? 'string' : typeOf(value));
  const difference = TYPES.indexOf(type(a)) - TYPES.indexOf(type(b));
  if (difference !== 0 || a === null || typeof a === 'boolean') return difference;
  if (typeof a === 'number') return a - (b as number);
  const [x, y] = [a as string, b as string];
  return type(a) === 'instant' ? Date.parse(x) - Date.parse(y) : byUtf8(x, y);
}

/** The most frequent values of a field first. */
export function facetOf(documents: readonly JsonObject[], field: string, limit: number): FacetValue[] {
  const found = documents.flatMap((one) => [...new Set(scalarsAt(one, field.split('.')))]);
  return [...new Set(found)]
    .map((value) => ({ value: value as FacetValue['value'], count: found.filter((x) => x === value).length }))
    .sort((a, b) => b.count - a.count || compareValues(a.value, b.value, true))
    .slice(0, limit);
}

export interface ModelOrder {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}
export type ModelKeys = readonly (JsonValue | undefined)[];

export function orderKeys(of: JsonObject, order: readonly ModelOrder[]): ModelKeys {
  return order.map(({ field, direction }) => {
    const sorted = scalarsAt(of, field.split('.')).sort((a, b) => compareValues(a, b, false));
    return direction === 'asc' ? sorted[0] : sorted.at(-1);
  });
}

export function compareKeys(a: ModelKeys, b: ModelKeys, order: readonly ModelOrder[]): number {
  for (const [i, { direction }] of order.entries()) {
    const [x, y] = [a[i], b[i]];
    if (x === undefined && y === undefined) continue;
    if (x === undefined || y === undefined) return x === undefined ? 1 : -1;
    const difference = compareValues(x, y, false);
    if (difference !== 0) return direction === 'asc' ? difference : -difference;
  }
  return 0;
}
