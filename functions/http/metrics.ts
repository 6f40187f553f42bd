/**
 * Counters for /metrics, in the Prometheus text format. Routes are labelled by their template, never by their path, so
 * the number of series stays bounded.
 */
import type { Database } from '../../core/index.js';
import type { Load } from './access/index.js';

const bucketsS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

interface Histogram {
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
  readonly #requests = new Map<string, number>();
  readonly #latency = new Map<string, Histogram>();

  recordRequest(request: AnsweredRequest): void {
    const { route, method, status, seconds } = request;
    add(this.#requests, labels({ route, method, status: String(status) }), 1);
    const key = labels({ route, method });
    const histogram = this.#latency.get(key) ?? { counts: bucketsS.map(() => 0), sum: 0, count: 0 };
    this.#latency.set(key, histogram);
    const bucket = bucketsS.findIndex((bound) => seconds <= bound);
    if (bucket !== -1) histogram.counts[bucket]!++;
    histogram.sum += seconds;
    histogram.count++;
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
    family(lines, 'cairn_http_requests_total', 'counter', 'Requests answered.', this.#requests);
    this.#latencyText(lines);
    storeText(lines, store);
    memoryText(lines, memory);
    return `${lines.join('\n')}\n`;
  }

  #latencyText(lines: string[]): void {
    const name = 'cairn_http_request_seconds';
    lines.push(`# HELP ${name} Time from a request to its answer.`, `# TYPE ${name} histogram`);
    for (const [key, histogram] of this.#latency) {
      let cumulative = 0;
      bucketsS.forEach((bound, i) => {
        cumulative += histogram.counts[i]!;
        lines.push(`${name}_bucket{${key},le="${bound}"} ${cumulative}`);
      });
      lines.push(
        `${name}_bucket{${key},le="+Inf"} ${histogram.count}`,
        `${name}_sum{${key}} ${histogram.sum}`,
        `${name}_count{${key}} ${histogram.count}`,
      );
    }
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

function add(counters: Map<string, number>, key: string, amount: number): void {
  counters.set(key, (counters.get(key) ?? 0) + amount);
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
