/**
 * Counters for /metrics, in the Prometheus text format. Routes are labelled by their template, never by their path, so
 * the number of series stays bounded.
 */
import type { Database } from '../../core/index.js';
import type { Load } from './access/index.js';

const bucketsS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Requests of one route and method. */
interface Series {
  readonly labels: string;
  readonly byStatus: Map<number, { readonly labels: string; count: number }>;
  /** Of each bucket alone. */
  readonly counts: number[];
  sum: number;
  count: number;
}

type Labels = Readonly<Record<string, string>>;

export interface AnsweredRequest {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

export interface MetricsSources {
  readonly load: Load;
  readonly store: ReturnType<Database['storeUsage']>;
  readonly memory: ReturnType<Database['memoryUsage']>;
  readonly version: string;
}

export class Metrics {
  /** By route, then by method. */
  readonly #series = new Map<string, Map<string, Series>>();

  recordRequest({ route, method, status, seconds }: AnsweredRequest): void {
    const series = this.#seriesOf(route, method);
    const ofStatus = series.byStatus.get(status);
    if (ofStatus === undefined) {
      const pairs = { route, method, status: String(status) };
      series.byStatus.set(status, { labels: labels(pairs), count: 1 });
    } else ofStatus.count++;
    const bucket = bucketsS.findIndex((bound) => seconds <= bound);
    if (bucket !== -1) series.counts[bucket]!++;
    series.sum += seconds;
    series.count++;
  }

  #seriesOf(route: string, method: string): Series {
    let ofRoute = this.#series.get(route);
    if (ofRoute === undefined) this.#series.set(route, (ofRoute = new Map()));
    let series = ofRoute.get(method);
    if (series === undefined) {
      const counts = bucketsS.map(() => 0);
      series = { labels: labels({ route, method }), byStatus: new Map(), counts, sum: 0, count: 0 };
      ofRoute.set(method, series);
    }
    return series;
  }

  text({ load, store, memory, version }: MetricsSources): string {
    const lines: string[] = [];
    family(lines, 'cairn_info', 'gauge', 'The running version.', new Map([[labels({ version }), 1]]));
    const gauges = [
      ['cairn_http_requests_in_flight', 'Requests under way.', load.requests],
      [
        'cairn_http_requests_in_flight_max',
        'Requests under way above which 503 is answered.',
        load.limits.requests,
      ],
      ['cairn_http_body_bytes_in_flight', 'Bytes of request bodies in memory.', load.bodyBytes],
      ['cairn_http_body_bytes_in_flight_max', 'Bytes above which 503 is answered.', load.limits.bodyBytes],
    ] as const;
    for (const [name, help, value] of gauges) family(lines, name, 'gauge', help, new Map([['', value]]));
    const all = [...this.#series.values()].flatMap((ofRoute) => [...ofRoute.values()]);
    const answered = all.flatMap(({ byStatus }) => [...byStatus.values()]);
    const counts = new Map(answered.map((one) => [one.labels, one.count]));
    family(lines, 'cairn_http_requests_total', 'counter', 'Requests answered.', counts);
    latencyText(lines, all);
    storeText(lines, store);
    memoryText(lines, memory);
    return `${lines.join('\n')}\n`;
  }
}

function latencyText(lines: string[], all: readonly Series[]): void {
  const name = 'cairn_http_request_seconds';
  lines.push(`# HELP ${name} Time from a request to its answer.`, `# TYPE ${name} histogram`);
  for (const { labels: key, counts, sum, count } of all) {
    let cumulative = 0;
    bucketsS.forEach((bound, i) => {
      cumulative += counts[i]!;
      lines.push(`${name}_bucket{${key},le="${bound}"} ${cumulative}`);
    });
    lines.push(
      `${name}_bucket{${key},le="+Inf"} ${count}`,
      `${name}_sum{${key}} ${sum}`,
      `${name}_count{${key}} ${count}`,
    );
  }
}

function storeText(lines: string[], store: MetricsSources['store']): void {
  const requests = Object.entries(store.outcomes).map(([name, value]) => {
    const [operation = '', outcome = ''] = name.split('_');
    return [labels({ operation, outcome }), value] as const;
  });
  family(lines, 'cairn_store_requests_total', 'counter', 'Requests to the object store.', new Map(requests));
  const counters = [
    ['cairn_store_read_bytes_total', 'Bytes of bodies read from the store.', store.bytesRead],
    ['cairn_store_written_bytes_total', 'Bytes of bodies sent to the store.', store.bytesWritten],
    ['cairn_store_listed_keys_total', 'Keys that lists answered.', store.keysListed],
    ['cairn_store_deleted_keys_total', 'Keys deleted.', store.keysDeleted],
    ['cairn_warm_cache_reads_total', 'Reads that the warm cache answered.', store.warmReads],
    ['cairn_warm_cache_read_bytes_total', 'Bytes read from the warm cache.', store.warmBytes],
  ] as const;
  for (const [name, help, value] of counters) family(lines, name, 'counter', help, new Map([['', value]]));
}

function memoryText(lines: string[], memory: MetricsSources['memory']): void {
  const held = new Map([
    [labels({ holder: 'arenas' }), memory.arenaBytes],
    [labels({ holder: 'idle_arenas' }), memory.idleArenaBytes],
    [labels({ holder: 'page_cache' }), memory.pageCacheBytes],
    [labels({ holder: 'filter_cache' }), memory.filterCacheBytes],
    [labels({ holder: 'segment_tails' }), memory.tailBytes],
    [labels({ holder: 'in_flight' }), memory.inFlightBytes],
  ]);
  family(lines, 'cairn_memory_bytes', 'gauge', 'Bytes held under the memory budget.', held);
  const gauges = [
    ['cairn_memory_total_bytes', 'All of them together.', memory.totalBytes],
    ['cairn_memory_peak_bytes', 'The most of that since the start.', memory.peakBytes],
    ['cairn_memory_budget_bytes', 'What the budget allows.', memory.budgetBytes],
  ] as const;
  for (const [name, help, value] of gauges) family(lines, name, 'gauge', help, new Map([['', value]]));
}

function labels(pairs: Labels): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`)
    .join(',');
}

function family(
  lines: string[],
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  values: ReadonlyMap<string, number>,
): void {
  if (values.size === 0) return;
  lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  for (const [key, value] of values) lines.push(key === '' ? `${name} ${value}` : `${name}{${key}} ${value}`);
}
