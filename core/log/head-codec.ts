/**
 * The bytes of a head: a JSON document in a HED envelope, snake_case, so that a person can read it. Every field is
 * checked on the way in: the bucket's bytes are hostile.
 */
import { isDateMs } from '../base/dates.js';
import { headVersion, isName, isUid, sequence } from '../base/ids.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { sealJson } from '../base/sealed-object.js';
import { metrics } from '../kernel/index.js';
import { openDocument } from './document-reader.js';
import type { DocumentReader } from './document-reader.js';
import { faultOfHead } from './head-invariants.js';
import type {
  Branch,
  Head,
  Job,
  KeptState,
  Origin,
  Pin,
  Restore,
  RetainedFrom,
  SegmentEntry,
  WholeState,
  WindowRef,
} from './head.js';
import { headKey, segmentPrefix, tryJobObject } from './layout.js';
import type { JobObject } from './layout.js';
import { QUANTIZATION_FORMS, tryQuantization } from './quantization.js';
import type { Quantization } from './quantization.js';
import { settingRanges, TIERS } from './schema.js';
import type { CollectionSchema } from './schema.js';

export function sealHead(digests: Digests, head: Head): Uint8Array<ArrayBuffer> {
  const { schema } = head;
  const document = {
    uid: head.uid,
    version: head.version,
    nonce: head.nonce,
    nonces: head.nonces,
    state: head.state,
    namespace: head.namespace,
    name: head.name,
    created_ms: head.createdMs,
    folded_seq: head.foldedSeq,
    folded_chain: head.foldedChain,
    folded_label: head.foldedLabel,
    gc_floor: head.gcFloor,
    retained_from: { version: head.retainedFrom.version, seq: head.retainedFrom.seq },
    retention_ms: head.retentionMs === 0 ? undefined : head.retentionMs,
    pins: unlessEmpty(head.pins.map(pinDocument)),
    restores: unlessEmpty(head.restores.map(restoreDocument)),
    restored_seq: head.restoredSeq === 0 ? undefined : head.restoredSeq,
    branches: unlessEmpty(head.branches.map(branchDocument)),
    origin: head.origin,
    segments: head.segments.map(segmentDocument),
    jobs: head.jobs.map(jobDocument),
    window: head.window && { key: head.window.key, sha256: head.window.sha256, bytes: head.window.bytes },
    schema: {
      dimension: schema.dimension,
      metric: schema.metric,
      tier: schema.tier,
      index: { m: schema.index.m, ef_construction: schema.index.efConstruction },
      quantization: schema.quantization,
      fields: schema.fields,
      soft_delete_days: schema.softDeleteDays,
    },
  };
  return sealJson(digests, { kind: 'HED', key: headKey(head.uid) }, document, limits.headBytes);
}

/** A field without a value is left out of the JSON. */
function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function segmentDocument(segment: SegmentEntry): unknown {
  const { deletions } = segment;
  return {
    key: segment.key,
    bytes: segment.bytes,
    tail_bytes: segment.tailBytes,
    footer_sha256: segment.footerSha256,
    rows: segment.rows,
    live: segment.live,
    resident_bytes: segment.residentBytes,
    graph: segment.graph,
    deletions: deletions && {
      key: deletions.key,
      sha256: deletions.sha256,
      dead: deletions.dead,
      hidden: deletions.hidden,
    },
  };
}

function stateDocument({ version, foldedSeq, seq }: KeptState): object {
  return { version, folded_seq: foldedSeq, seq };
}

function wholeDocument(state: WholeState): object {
  return { ...stateDocument(state), under: unlessEmpty(state.under.map(stateDocument)) };
}

function pinDocument(pin: Pin): unknown {
  const { name, createdMs, bytes } = pin;
  return { name, ...wholeDocument(pin), created_ms: createdMs, bytes };
}

function restoreDocument(restore: Restore): unknown {
  const { nonce, after, at } = restore;
  return { nonce, after, at, ...wholeDocument(restore) };
}

function branchDocument({ uid, version, foldedSeq, createdMs }: Branch): unknown {
  return { uid, version, folded_seq: foldedSeq, created_ms: createdMs };
}

function jobDocument({ nonce, inputs, fold, startedMs }: Job): unknown {
  return { nonce, inputs, fold: fold && { from: fold.from, to: fold.to }, started_ms: startedMs };
}

const SAFE = { min: 0, max: Number.MAX_SAFE_INTEGER };
const COUNT = { ...SAFE, min: 1 };
/** Rows are u32 in a segment. */
const ROWS = { min: 1, max: 0xffff_ffff };
const FROM_THE_START: RetainedFrom = { version: headVersion(1), seq: sequence(0) };
const HEX_128 = /^[0-9a-f]{32}$/;
const HEX_256 = /^[0-9a-f]{64}$/;

/** Opens a head or a copy of one. Throws `corrupt`. */
export function openHead(digests: Digests, uid: Uid, bytes: Uint8Array): Head {
  const d = openDocument(digests, { kind: 'HED', key: headKey(uid) }, bytes);
  const found = d.uid('uid');
  if (found !== uid) throw d.wrong('uid', uid, found);
  const foldedSeq = d.integer('folded_seq', SAFE);
  const head: Head = Object.freeze({
    uid,
    version: headVersion(d.integer('version', { ...SAFE, min: 1 })),
    nonce: d.text('nonce', HEX_128),
    nonces: d.read('nonces', 'nonces', (value): value is string[] => {
      return (
        Array.isArray(value) &&
        value.length <= limits.headNonces &&
        value.every((nonce) => typeof nonce === 'string' && HEX_128.test(nonce))
      );
    }),
    state: d.oneOf('state', ['active', 'dropped'] as const),
    namespace: d.uid('namespace'),
    name: d.read('name', 'a name', (value): value is string => typeof value === 'string' && isName(value)),
    createdMs: readDate(d, 'created_ms'),
    foldedSeq: sequence(foldedSeq),
    foldedChain: d.text('folded_chain', HEX_256),
    foldedLabel: d.number('folded_label'),
    gcFloor: sequence(d.integer('gc_floor', { min: 0, max: foldedSeq })),
    ...readContents(d, uid),
    ...readRetention(d),
    ...readRestores(d),
    branches: optionalObjects(d, 'branches', limits.headBranches).map(readBranch),
    schema: readSchema(d.object('schema')),
  });
  const fault = faultOfHead(head);
  if (fault !== undefined) throw d.wrong('', fault, 'another');
  return head;
}

/** Heads of the first release have none of these fields: they fold nothing and keep everything. */
function readContents(
  d: DocumentReader,
  uid: Uid,
): Pick<Head, 'retainedFrom' | 'segments' | 'jobs' | 'window' | 'origin'> {
  const origin = readOrigin(d);
  const uids = [uid, ...(origin?.lenders ?? [])];
  const segments = d.objects('segments', limits.headSegments).map((segment) => readSegment(segment, uids));
  const first = !d.has('jobs') && !d.has('retained_from') && !d.has('window');
  if (first) return { origin, retainedFrom: FROM_THE_START, segments, jobs: [], window: undefined };
  const retained = d.object('retained_from');
  const window = d.optional('window');
  return {
    origin,
    retainedFrom: {
      version: headVersion(retained.integer('version', COUNT)),
      seq: sequence(retained.integer('seq', SAFE)),
    },
    segments,
    jobs: d.objects('jobs', limits.headJobs).map((job) => readJob(job, uids)),
    window: window && readWindow(window, uid),
  };
}

/** Collections that are no branch of another have none. */
function readOrigin(d: DocumentReader): Origin | undefined {
  const origin = d.optional('origin');
  if (origin === undefined) return undefined;
  const lenders = origin.read('lenders', 'uids', (value): value is Uid[] => {
    const all = Array.isArray(value) && value.length <= limits.branchDepth;
    return all && value.every((uid) => typeof uid === 'string' && isUid(uid));
  });
  return { parent: origin.uid('parent'), seq: sequence(origin.integer('seq', SAFE)), lenders };
}

function optionalObjects(d: DocumentReader, field: string, max: number): readonly DocumentReader[] {
  return d.has(field) ? d.objects(field, max) : [];
}

/** Heads that keep no past have neither field. */
function readRetention(d: DocumentReader): Pick<Head, 'retentionMs' | 'pins'> {
  return {
    retentionMs: d.has('retention_ms') ? d.integer('retention_ms', { min: 0, max: limits.retentionMs }) : 0,
    pins: optionalObjects(d, 'pins', limits.headPins).map((pin) => ({
      name: pin.read(
        'name',
        'a name',
        (value): value is string => typeof value === 'string' && isName(value),
      ),
      ...readWhole(pin),
      createdMs: readDate(pin, 'created_ms'),
      bytes: pin.integer('bytes', SAFE),
    })),
  };
}

function readState(d: DocumentReader): KeptState {
  return {
    version: headVersion(d.integer('version', COUNT)),
    foldedSeq: sequence(d.integer('folded_seq', SAFE)),
    seq: sequence(d.integer('seq', SAFE)),
  };
}

function readWhole(d: DocumentReader): WholeState {
  return { ...readState(d), under: optionalObjects(d, 'under', limits.restoreDepth).map(readState) };
}

/** Heads that know of no restore have neither field. */
function readRestores(d: DocumentReader): Pick<Head, 'restores' | 'restoredSeq'> {
  return {
    restoredSeq: sequence(d.has('restored_seq') ? d.integer('restored_seq', SAFE) : 0),
    restores: optionalObjects(d, 'restores', limits.headRestores).map((restore) => ({
      nonce: restore.text('nonce', HEX_128),
      after: sequence(restore.integer('after', SAFE)),
      at: restore.has('at') ? sequence(restore.integer('at', COUNT)) : undefined,
      ...readWhole(restore),
    })),
  };
}

function readBranch(d: DocumentReader): Branch {
  return {
    uid: d.uid('uid'),
    version: headVersion(d.integer('version', COUNT)),
    foldedSeq: sequence(d.integer('folded_seq', SAFE)),
    createdMs: readDate(d, 'created_ms'),
  };
}

function readSegment(d: DocumentReader, uids: readonly Uid[]): SegmentEntry {
  const deletions = d.optional('deletions');
  return {
    key: readKey(d, 'key', { uids, kind: 'seg' }),
    bytes: d.integer('bytes', COUNT),
    tailBytes: d.integer('tail_bytes', COUNT),
    footerSha256: d.text('footer_sha256', HEX_256),
    rows: d.integer('rows', ROWS),
    live: d.integer('live', { ...ROWS, min: 0 }),
    residentBytes: d.integer('resident_bytes', SAFE),
    graph: d.read('graph', 'true or false', (value): value is boolean => typeof value === 'boolean'),
    deletions: deletions && {
      key: readKey(deletions, 'key', { uids, kind: 'del' }),
      sha256: deletions.text('sha256', HEX_256),
      dead: deletions.integer('dead', { ...ROWS, min: 0 }),
      hidden: deletions.integer('hidden', { ...ROWS, min: 0 }),
    },
  };
}

function readJob(d: DocumentReader, uids: readonly Uid[]): Job {
  const fold = d.optional('fold');
  return {
    nonce: d.text('nonce', HEX_128),
    inputs: d.read('inputs', 'keys of segments', (value): value is string[] => {
      return Array.isArray(value) && value.length <= limits.headSegments && value.every(isSegmentKey(uids));
    }),
    fold: fold && {
      from: sequence(fold.integer('from', SAFE)),
      to: sequence(fold.integer('to', SAFE)),
    },
    startedMs: readDate(d, 'started_ms'),
  };
}

function readWindow(d: DocumentReader, uid: Uid): WindowRef {
  return {
    key: readKey(d, 'key', { uids: [uid], kind: 'win' }),
    sha256: d.text('sha256', HEX_256),
    bytes: d.integer('bytes', { min: 1, max: limits.windowBytes }),
  };
}

const isSegmentKey =
  (uids: readonly Uid[]) =>
  (value: unknown): boolean =>
    isKeyOf(value, { uids, kind: 'seg' });

/** Objects of a kind, of this collection and those that lend to it. */
interface KeyRange {
  readonly uids: readonly Uid[];
  readonly kind: JobObject;
}

function isKeyOf(value: unknown, { uids, kind }: KeyRange): value is string {
  return typeof value === 'string' && uids.some((uid) => tryJobObject(uid, value)?.kind === kind);
}

/** No head may make a reader fetch anything else. */
function readKey(d: DocumentReader, field: string, range: KeyRange): string {
  const { uids, kind } = range;
  const expected = `a key ${segmentPrefix(uids[0]!)}*.${kind}${uids.length === 1 ? '' : ', or of a lender'}`;
  return d.read(field, expected, (value): value is string => isKeyOf(value, range));
}

function readDate(d: DocumentReader, field: string): number {
  return d.read(field, 'a date in milliseconds', (value): value is number => {
    return typeof value === 'number' && isDateMs(value);
  });
}

function readQuantization(d: DocumentReader): Quantization {
  const isOne = (value: unknown): value is Quantization => tryQuantization(value) !== undefined;
  return tryQuantization(d.read('quantization', QUANTIZATION_FORMS, isOne))!;
}

function readSchema(d: DocumentReader): CollectionSchema {
  const index = d.object('index');
  const fields = d.object('fields');
  const declared: Record<string, { readonly filterable: boolean }> = Object.create(null) as Record<
    string,
    never
  >;
  for (const name of fields.keys()) {
    const filterable = fields
      .object(name)
      .read('filterable', 'true or false', (v): v is boolean => typeof v === 'boolean');
    declared[name] = { filterable };
  }
  return {
    dimension: d.integer('dimension', settingRanges.dimension),
    metric: d.oneOf('metric', metrics),
    tier: d.oneOf('tier', TIERS),
    index: {
      m: index.integer('m', settingRanges.m),
      efConstruction: index.integer('ef_construction', settingRanges.efConstruction),
    },
    quantization: readQuantization(d),
    fields: declared,
    softDeleteDays: d.integer('soft_delete_days', settingRanges.softDeleteDays),
  };
}
