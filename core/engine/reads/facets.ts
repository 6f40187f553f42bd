/**
 * How many records of a selection have which values of a field. Exact, so every distinct value is held: bounded by number
 * and bytes.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { invalid } from '../../base/errors.js';
import type { CairnError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { compareScalars, fieldValues } from '../../filter/index.js';
import type { Scalar } from '../../filter/index.js';
import type { LogState } from '../../log/index.js';
import type { Facet } from '../input/index.js';
import type { CountResult, FacetValue, JsonObject } from '../interface/index.js';
import type { Table } from '../table/index.js';
import type { Selection } from './count.js';
import { matchedInMemtable, matchedInSegment } from './matched-rows.js';
import { pinned } from './read-table.js';

type FacetAnswer = Required<Pick<CountResult, 'count' | 'facets'>>;

/** What a counted value takes beside its text: its place in a table, its count. An estimate. */
const VALUE_BYTES = 64;

/** Throws `limit_exceeded` where a field has too many distinct values. Requires: a table that is caught up. */
export function answerFacets(
  state: LogState<Table>,
  selection: Selection,
  facets: readonly Facet[],
): Awaitable<FacetAnswer> {
  const { memtable, overlays } = state.sink;
  const counter = new FacetCounter(facets);
  for (const { document } of matchedInMemtable(memtable, selection)) counter.add(document);
  const later = { ...selection, view: pinned(selection.view, state) };
  const inSegments = async (): Promise<void> => {
    for (const overlay of overlays) {
      for await (const rows of matchedInSegment(overlay, later)) {
        for (const { document } of rows) counter.add(document);
      }
    }
  };
  return andThen(overlays.length === 0 ? undefined : inSegments(), () => counter.answer());
}

class FacetCounter {
  readonly #facets: readonly Facet[];
  readonly #counts: readonly Map<Scalar, number>[];
  #records = 0;
  #bytes = 0;

  constructor(facets: readonly Facet[]) {
    this.#facets = facets;
    this.#counts = facets.map(() => new Map<Scalar, number>());
  }

  add(document: JsonObject): void {
    this.#records++;
    this.#facets.forEach(({ field }, i) => {
      const { direct, elements } = fieldValues(document, field);
      if (direct.length === 1 && elements.length === 0) this.#count(i, direct[0]);
      else for (const value of new Set([...direct, ...elements])) this.#count(i, value);
    });
  }

  /** Objects are no values: their fields are. */
  #count(facet: number, value: unknown): void {
    if (typeof value === 'object' && value !== null) return;
    const counts = this.#counts[facet]!;
    const known = counts.get(value as Scalar);
    if (known === undefined) this.#mustHaveRoom(this.#facets[facet]!.field, counts.size, value as Scalar);
    counts.set(value as Scalar, (known ?? 0) + 1);
  }

  #mustHaveRoom(field: string, values: number, added: Scalar): void {
    if (values === limits.facetValues) throw tooMany('facetValues', values + 1, limits.facetValues, field);
    this.#bytes += VALUE_BYTES + (typeof added === 'string' ? 2 * added.length : 0);
    if (this.#bytes > limits.facetBytes) throw tooMany('facetBytes', this.#bytes, limits.facetBytes, field);
  }

  answer(): FacetAnswer {
    const facets = this.#facets.map(({ field, limit }, i): [string, readonly FacetValue[]] => {
      const values = Array.from(this.#counts[i]!, ([value, count]): FacetValue => ({ value, count }));
      values.sort((a, b) => b.count - a.count || compareScalars(a.value, b.value));
      return [field, values.slice(0, limit)];
    });
    return { count: this.#records, facets: Object.fromEntries(facets) };
  }
}

function tooMany(limit: string, value: number, maximum: number, field: string): CairnError {
  return invalid(
    'limit_exceeded',
    `facets: ${limit} of ${JSON.stringify(field)} is ${value}, the maximum is ${maximum}`,
    { limit, value, maximum, field },
  );
}
