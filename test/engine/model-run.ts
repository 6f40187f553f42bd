/**
 * A history under way: the databases, the model of what should be in them, and a scan that goes on from step to step.
 */
import { isCairnError } from '../../core/index.js';
import type { Collection, CollectionSettings, Database, PatchInput, WriteResult } from '../../core/index.js';
import { byUtf8, failure, mustEqual } from './fixture.js';
import type { TestClock } from './fixture.js';
import { compareKeys, document, facetOf, orderKeys, shown } from './model.js';
import type { Model, ModelKeys, ModelOrder, ModelWrite } from './model.js';
import { FILTERS, IDS } from './model-steps.js';
import type { Look, WriteRequest } from './model-steps.js';

const DAY_MS = 86_400_000;

export class Run {
  readonly model: Model;
  readonly clock: TestClock;
  readonly dimension: number;
  readonly #quantization: CollectionSettings['quantization'];
  readonly #open: () => Promise<Database>;
  readonly #databases: Database[] = [];
  #cursor: string | undefined;
  #after = '';
  #ordered:
    | {
        readonly order: readonly ModelOrder[];
        readonly cursor: string | undefined;
        readonly last: { readonly name: string; readonly keys: ModelKeys } | undefined;
      }
    | undefined;
  /** A sequence that a compaction folded: older states are gone. */
  #folded = 0;
  #newestMs = 0;

  constructor(settings: {
    model: Model;
    clock: TestClock;
    dimension: number;
    quantization: CollectionSettings['quantization'];
    open: () => Promise<Database>;
  }) {
    this.model = settings.model;
    this.clock = settings.clock;
    this.dimension = settings.dimension;
    this.#quantization = settings.quantization;
    this.#open = settings.open;
  }

  async start(): Promise<void> {
    this.#databases.push(await this.#open(), await this.#open());
    const { metric, softDeleteDays } = this.model;
    const settings = { dimension: this.dimension, metric, softDeleteDays, quantization: this.#quantization };
    await this.#databases[0]!.createCollection('c', settings as CollectionSettings);
  }

  /**
   * Moves the clock, but never a day behind what it was: a compaction drops what was over by then, and a record of a later
   * time must not come back.
   */
  move(ms: number): void {
    this.#newestMs = Math.max(this.#newestMs, this.clock.wallMs());
    if (this.clock.wallMs() + ms >= this.#newestMs - DAY_MS) this.clock.advance(ms);
  }

  async compact(which: number): Promise<void> {
    const { foldedSlots, sequence } = await this.collection(which).compact();
    mustEqual(sequence, this.model.sequence);
    mustEqual(foldedSlots, this.model.sequence - this.#folded);
    this.#folded = sequence;
    this.model.folded = sequence;
  }

  /** A sequence whose state can still be asked for. */
  #asOf(fraction: number): number {
    return this.#folded + Math.floor(fraction * (this.model.sequence - this.#folded));
  }

  async end(): Promise<void> {
    await Promise.all(this.#databases.map((database) => database.close()));
  }

  collection(which: number): Collection {
    return this.#databases[which]!.collection('c');
  }

  async reopen(which: number): Promise<void> {
    await this.#databases[which]!.close();
    this.#databases[which] = await this.#open();
  }

  /** Three numbers that matter, one that keeps the vector from being zero, and zeros. */
  vector(of: readonly number[]): number[] {
    const vector = new Array<number>(this.dimension).fill(0);
    [...of, 0.5].forEach((value, i) => (vector[i] = value));
    return vector;
  }

  toModel(request: WriteRequest): ModelWrite {
    const now = this.clock.wallMs();
    const { upsert: rows, patch: patches, delete: removal, restore, ifSequence } = request;
    return {
      ...(rows === undefined
        ? {}
        : {
            upsert: rows.map((row) => ({
              id: row.id,
              vector: this.vector(row.head),
              metadata: row.metadata,
              expiresMs: row.expiry === undefined ? Infinity : now + row.expiry,
            })),
          }),
      ...(patches === undefined
        ? {}
        : {
            patch: {
              mode: patches.mode,
              records: patches.records.map((record) => ({
                id: record.id,
                vector: record.head === undefined ? undefined : this.vector(record.head),
                metadata: record.metadata,
              })),
              ...(patches.filtered === undefined
                ? {}
                : {
                    records: [],
                    filter: {
                      holds: FILTERS[patches.filtered.filter]!.holds,
                      metadata: patches.filtered.metadata,
                    },
                  }),
            },
          }),
      ...(removal === undefined
        ? {}
        : { delete: { ids: removal.ids, soft: removal.soft, filter: FILTERS[removal.filter]!.holds } }),
      ...(restore === undefined ? {} : { restore }),
      ...(ifSequence === undefined ? {} : { ifSequence: Math.max(0, this.model.sequence - ifSequence) }),
    };
  }

  async send(which: number, request: WriteRequest, write: ModelWrite): Promise<Answer> {
    const collection = this.collection(which);
    const rows = write.upsert?.map(({ expiresMs, metadata, ...row }) => ({
      ...row,
      ...(metadata === undefined ? {} : { metadata }),
      ...(expiresMs === Infinity ? {} : { expiresAt: new Date(expiresMs).toISOString() }),
    }));
    const removal = request.delete && {
      soft: request.delete.soft,
      ...(request.delete.ids === undefined
        ? { filter: FILTERS[request.delete.filter]!.input }
        : { ids: request.delete.ids }),
    };
    const patches = write.patch && this.#patchInput(request, write.patch);
    try {
      if (write.restore !== undefined) return await collection.restore({ ids: write.restore });
      if (rows === undefined) {
        return patches === undefined ? await collection.delete(removal!) : await collection.patch(patches);
      }
      if (request.columns === true) {
        return await collection.upsert({
          ids: rows.map((row) => row.id),
          vectors: Float32Array.from(rows.flatMap((row) => row.vector)),
          metadata: rows.map((row) => row.metadata ?? null),
          expiresAt: rows.map((row) => row.expiresAt ?? null),
        });
      }
      if (request.columns === false) return await collection.upsert(rows);
      return await collection.write({
        upsert: rows,
        ...(patches === undefined ? {} : { patch: patches }),
        ...(removal === undefined ? {} : { delete: removal }),
        ...(write.ifSequence === undefined ? {} : { ifSequence: write.ifSequence }),
      });
    } catch (error) {
      if (isCairnError(error) && error.code === 'sequence_conflict') return 'conflict';
      throw error;
    }
  }

  #patchInput(
    { patch: asked }: WriteRequest,
    { mode, records }: NonNullable<ModelWrite['patch']>,
  ): PatchInput {
    if (asked?.filtered !== undefined) {
      const { filter, metadata } = asked.filtered;
      return { mode, filter: FILTERS[filter]!.input, metadata };
    }
    return {
      mode,
      records: records.map((record) => ({
        id: record.id,
        ...(record.vector === undefined ? {} : { vector: Float32Array.from(record.vector) }),
        ...(record.metadata === undefined ? {} : { metadata: record.metadata }),
      })),
    };
  }

  /** Sends writes at once, and gives them to the model in the order in which they took effect. */
  async write(requests: readonly { readonly db: number; readonly request: WriteRequest }[]): Promise<void> {
    const writes = requests.map(({ request }) => this.toModel(request));
    const answers = await Promise.all(
      requests.map(({ db: which, request }, i) => this.send(which, request, writes[i]!)),
    );
    const now = this.clock.wallMs();
    const applied = answers
      .map((answer, i) => ({ answer, i }))
      .filter((one): one is { answer: Exclude<Answer, 'conflict'>; i: number } => one.answer !== 'conflict')
      .sort((a, b) => a.answer.sequence - b.answer.sequence || a.i - b.i);
    for (const { answer, i } of applied) {
      if (answer.sequence > this.model.sequence) this.model.beginSlot(now);
      mustEqual(answer.sequence, this.model.sequence);
      mustEqual(this.model.meetsCondition(writes[i]!), true);
      const expected = this.model.apply(writes[i]!, now);
      for (const name of ['upserted', 'patched', 'missing', 'deleted', 'restored'] as const) {
        if (name in answer) mustEqual({ i, [name]: answer[name] }, { i, [name]: expected[name] });
      }
      const rows = writes[i]!.upsert?.length ?? 0;
      const duplicates = rows - expected.upserted;
      mustEqual(answer.duplicates, duplicates === 0 ? undefined : duplicates);
      mustEqual(answer.ids, undefined);
    }
    // What was changed stays changed, so a condition that failed before all of them were applied fails after that too.
    answers.forEach((answer, i) => {
      if (answer !== 'conflict' || this.model.mayBeRefused(writes[i]!)) return;
      mustEqual(this.model.meetsCondition(writes[i]!), false);
    });
  }

  async check(with_: Look): Promise<void> {
    await this.#checkQuery(with_);
    await this.#checkById(with_);
    await this.#checkFetch(with_);
    await this.#checkCounts(with_);
    await this.#checkScan(with_);
    await this.#checkFacets(with_);
    await this.#checkOrderedScan(with_);
    await this.#checkOrderedQuery(with_);
  }

  async #checkQuery(with_: Look): Promise<void> {
    const { model } = this;
    const asOf = with_.asOf === undefined ? undefined : this.#asOf(with_.asOf);
    const similarity = model.metric === 'cosine' || model.metric === 'dot';
    const query = {
      vector: this.vector(with_.head),
      k: with_.k,
      exact: true,
      includeDeleted: with_.includeDeleted,
      ...(with_.filter === undefined ? {} : { filter: FILTERS[with_.filter]!.input }),
      ...(with_.bound === undefined
        ? {}
        : similarity
          ? { minScore: with_.bound }
          : { maxDistance: with_.bound }),
      ...(asOf === undefined ? {} : { asOf }),
      include: ['metadata', 'vector', 'expires_at'],
    };
    const answer = await this.collection(with_.db).query(query);
    const records = model.history[asOf ?? model.sequence]!;
    const filter = with_.filter === undefined ? undefined : FILTERS[with_.filter]!.holds;
    const expected = model.query(records, this.clock.wallMs(), { ...with_, vector: query.vector, filter });
    mustEqual(answer.matches, expected);
    mustEqual(answer.sequence, asOf ?? model.sequence);
  }

  async #checkById({ db: which, id: name, k, includeDeleted, asOf: fraction }: Look): Promise<void> {
    if (name === undefined) return;
    const { model } = this;
    const asOf = fraction === undefined ? model.sequence : this.#asOf(fraction);
    const records = model.history[asOf]!;
    const there = model.visible(records, this.clock.wallMs(), includeDeleted).includes(name);
    const asked = this.collection(which).query({
      id: name,
      k,
      exact: true,
      includeDeleted,
      asOf,
      include: ['vector', 'metadata', 'expires_at'],
    });
    if (!there) {
      await failure(() => asked, { kind: 'not_found', code: 'record_not_found' });
      return;
    }
    const { vector } = records.get(name)!;
    const query = { vector, k, includeDeleted, filter: undefined, bound: undefined };
    mustEqual((await asked).matches, model.query(records, this.clock.wallMs(), query));
  }

  async #checkFetch({ db: which, includeDeleted, k }: Look): Promise<void> {
    const { model } = this;
    const seen = model.visible(model.records, this.clock.wallMs(), includeDeleted);
    const asked = IDS.slice(k % 3);
    const answer = await this.collection(which).fetch({
      ids: asked,
      includeDeleted,
      include: ['metadata', 'vector', 'expires_at'],
    });
    mustEqual(answer, {
      records: asked
        .filter((name) => seen.includes(name))
        .map((name) => ({ id: name, ...shown(model.records.get(name)!) })),
      sequence: model.sequence,
    });
  }

  async #checkCounts({ db: which, includeDeleted, filter }: Look): Promise<void> {
    const { model } = this;
    const collection = this.collection(which);
    const now = this.clock.wallMs();
    const seen = model.visible(model.records, now, includeDeleted);
    const holds = filter === undefined ? undefined : FILTERS[filter]!;
    const counted = await collection.count({
      includeDeleted,
      ...(holds === undefined ? {} : { filter: holds.input }),
    });
    const expected = seen.filter(
      (name) => holds === undefined || holds.holds(document(model.records.get(name)!)),
    );
    mustEqual(counted, { count: expected.length, sequence: model.sequence });
    const stats = await collection.stats();
    const visible = model.visible(model.records, now, false).length;
    const shownAtAll = model.visible(model.records, now, true).length;
    const { expired, ...there } = stats.records;
    mustEqual(there, { visible, softDeleted: shownAtAll - visible });
    // Of what nobody sees a compaction drops some.
    if (this.#folded === 0) mustEqual(expired, model.records.size - shownAtAll);
    else mustEqual(expired <= model.records.size - shownAtAll, true);
    mustEqual(stats.log.slots, model.sequence - this.#folded);
    if (this.#folded === 0) mustEqual(stats.memory.rows - stats.memory.deadRows, model.records.size);
  }

  async #checkFacets({ db: which, includeDeleted, filter, limit }: Look): Promise<void> {
    const wanted = { v: limit, n: 2, 'v.side': 1_000, 'in.side': 1, none: 5 };
    const answer = await this.collection(which).count({
      includeDeleted,
      facets: wanted,
      ...(filter === undefined ? {} : { filter: FILTERS[filter]!.input }),
    });
    const documents = this.#matching(this.model.records, includeDeleted, filter).map((name) =>
      document(this.model.records.get(name)!),
    );
    mustEqual(answer, {
      count: documents.length,
      sequence: this.model.sequence,
      facets: Object.fromEntries(
        Object.entries(wanted).map(([field, most]) => [field, facetOf(documents, field, most)]),
      ),
    });
  }

  /** What a read sees and a filter holds for, in the order of the ids. */
  #matching(records: Model['records'], includeDeleted: boolean, filter: number | undefined): string[] {
    return this.model
      .visible(records, this.clock.wallMs(), includeDeleted)
      .filter((name) => filter === undefined || FILTERS[filter]!.holds(document(records.get(name)!)));
  }

  /** One page of a scan in an order that was chosen some steps ago. Its cursor names where it stands by value. */
  async #checkOrderedScan({ db: which, order, includeDeleted, filter, limit }: Look): Promise<void> {
    const { model } = this;
    this.#ordered ??= { order, cursor: undefined, last: undefined };
    const { order: orderBy, cursor, last } = this.#ordered;
    const answer = await this.collection(which).scan({
      orderBy,
      limit,
      includeDeleted,
      include: ['metadata', 'vector', 'expires_at'],
      ...(filter === undefined ? {} : { filter: FILTERS[filter]!.input }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    const keysOf = (name: string): ModelKeys => orderKeys(document(model.records.get(name)!), orderBy);
    const rest = model
      .inOrder(model.records, this.#matching(model.records, includeDeleted, filter), orderBy)
      .filter(
        (name) =>
          last === undefined ||
          (compareKeys(keysOf(name), last.keys, orderBy) || byUtf8(name, last.name)) > 0,
      );
    const page = rest.slice(0, limit);
    mustEqual(
      answer.records,
      page.map((name) => ({ id: name, ...shown(model.records.get(name)!) })),
    );
    mustEqual(answer.cursor !== undefined, rest.length > limit);
    const name = page.at(-1);
    this.#ordered =
      answer.cursor === undefined
        ? undefined
        : { order: orderBy, cursor: answer.cursor, last: { name: name!, keys: keysOf(name!) } };
  }

  async #checkOrderedQuery({
    db: which,
    order,
    includeDeleted,
    filter,
    k,
    asOf: fraction,
  }: Look): Promise<void> {
    const { model } = this;
    const asOf = fraction === undefined ? undefined : this.#asOf(fraction);
    const answer = await this.collection(which).query({
      orderBy: order,
      k,
      includeDeleted,
      include: ['metadata', 'vector', 'expires_at'],
      ...(filter === undefined ? {} : { filter: FILTERS[filter]!.input }),
      ...(asOf === undefined ? {} : { asOf }),
    });
    const records = model.history[asOf ?? model.sequence]!;
    const expected = model
      .inOrder(records, this.#matching(records, includeDeleted, filter), order)
      .slice(0, k);
    mustEqual(
      answer.matches,
      expected.map((name) => ({ id: name, ...shown(records.get(name)!) })),
    );
    mustEqual(answer.sequence, asOf ?? model.sequence);
  }

  /** One page of a scan that began some steps ago; at its end the next one begins. */
  async #checkScan({ db: which, includeDeleted, filter, limit }: Look): Promise<void> {
    const { model } = this;
    const holds = filter === undefined ? undefined : FILTERS[filter]!;
    const answer = await this.collection(which).scan({
      limit,
      includeDeleted,
      include: ['metadata', 'vector', 'expires_at'],
      ...(holds === undefined ? {} : { filter: holds.input }),
      ...(this.#cursor === undefined ? {} : { cursor: this.#cursor }),
    });
    const rest = model
      .visible(model.records, this.clock.wallMs(), includeDeleted)
      .filter((name) => this.#after === '' || byUtf8(name, this.#after) > 0)
      .filter((name) => holds === undefined || holds.holds(document(model.records.get(name)!)));
    const page = rest.slice(0, limit);
    mustEqual(
      answer.records,
      page.map((name) => ({ id: name, ...shown(model.records.get(name)!) })),
    );
    mustEqual(answer.cursor !== undefined, rest.length > limit);
    this.#cursor = answer.cursor;
    this.#after = answer.cursor === undefined ? '' : page.at(-1)!;
  }
}

type Answer =
  'conflict' | (Omit<WriteResult, 'sequence'> & { readonly sequence: number; readonly restored?: number });
