/**
 * Whether memory and open files of a process stay what they are.
 *
 * Memory: the time behind the warm-up is cut into spans, and a line drawn by least squares through the least sample of
 * each. A large batch in the log takes tens of megabytes until it is folded, and how many of them meet is chance; what
 * leaks is in the least samples too. What the line rises by over the time must be a small share of its mean. Growth
 * that is no leak (caches that fill, fragments of the allocator) ends in the warm-up.
 *
 * Files: what is open while nothing is under way.
 */
import type { Sample } from './messages.js';

export interface Trend {
  readonly what: 'resident memory' | 'heap' | 'buffers';
  readonly meanBytes: number;
  /** What the line rises by over the time. */
  readonly growthBytes: number;
  /** More would be growth. */
  readonly growthMaxBytes: number;
}

export interface Steadiness {
  readonly samples: number;
  readonly seconds: number;
  /** None where there were too few samples for a line. */
  readonly trends: readonly Trend[];
  /** Open while nothing is under way: at the first rest and at the last one. */
  readonly files: readonly [first: number, last: number] | undefined;
  readonly faults: readonly string[];
}

/** Of the time, and at least as long. */
const WARM_UP = { share: 0.25, leastMs: 45_000 };
/** As many as the time has room for; fewer than the least make no line. */
const SPANS = { least: 4, most: 12, leastMs: 20_000 };
const FILES_MORE_MAX = 2;
/** With so many open a process has lost count of them. */
export const FILES_MAX = 200;

/** Of the mean, and at least so many bytes: less than one large batch, and what pages and indexes in a cache come and go by. */
const GROWTH_MAX = { share: 0.15, bytes: 8_000_000 };

const SERIES = [
  { what: 'resident memory', of: ({ rss }: Sample) => rss },
  { what: 'heap', of: ({ heap }: Sample) => heap },
  { what: 'buffers', of: ({ buffers }: Sample) => buffers },
] as const;

export function judge(samples: readonly Sample[]): Steadiness {
  const totalMs = (samples.at(-1)?.ms ?? 0) - (samples[0]?.ms ?? 0);
  const fromMs = (samples[0]?.ms ?? 0) + Math.max(WARM_UP.leastMs, totalMs * WARM_UP.share);
  const warm = samples.filter(({ ms, quiet }) => ms >= fromMs && !quiet);
  const spans = spansOf(warm);
  const trends = spans.length < SPANS.least ? [] : SERIES.map((series) => trendOf(spans, series));
  const files = filesAtRest(samples);
  return {
    samples: warm.length,
    seconds: warm.length === 0 ? 0 : (warm.at(-1)!.ms - warm[0]!.ms) / 1_000,
    ...{ trends, files },
    faults: [
      ...trends
        .filter(({ growthBytes, growthMaxBytes }) => growthBytes > growthMaxBytes)
        .map(
          ({ what, growthBytes, meanBytes }) => `${what} grows: by ${growthBytes} bytes, mean ${meanBytes}`,
        ),
      ...(files !== undefined && files[1] > files[0] + FILES_MORE_MAX
        ? [`open files grow: from ${files[0]} to ${files[1]} while nothing is under way`]
        : []),
    ],
  };
}

function spansOf(samples: readonly Sample[]): readonly (readonly Sample[])[] {
  if (samples.length === 0) return [];
  const fromMs = samples[0]!.ms;
  const totalMs = samples.at(-1)!.ms - fromMs;
  const count = Math.min(SPANS.most, Math.floor(totalMs / SPANS.leastMs));
  const spans = Array.from({ length: count }, (): Sample[] => []);
  for (const sample of samples)
    spans[Math.min(count - 1, Math.floor(((sample.ms - fromMs) / totalMs) * count))]?.push(sample);
  // None while the process was stopped.
  return spans.filter(({ length }) => length > 0);
}

function trendOf(spans: readonly (readonly Sample[])[], { what, of }: (typeof SERIES)[number]): Trend {
  const least = spans.map((span) => span.reduce((a, b) => (of(b) < of(a) ? b : a)));
  const { slope, mean } = lineThrough(least.map((sample) => ({ x: sample.ms, y: of(sample) })));
  const totalMs = spans.at(-1)!.at(-1)!.ms - spans[0]![0]!.ms;
  const growthMaxBytes = Math.max(mean * GROWTH_MAX.share, GROWTH_MAX.bytes);
  return { what, growthMaxBytes, meanBytes: Math.round(mean), growthBytes: Math.round(slope * totalMs) };
}

/** By least squares. */
export function lineThrough(points: readonly { readonly x: number; readonly y: number }[]): {
  readonly slope: number;
  readonly mean: number;
} {
  const average = (of: (point: (typeof points)[number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, mean] = [average(({ x }) => x), average(({ y }) => y)];
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const together = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - mean), 0);
  return { slope: spread === 0 ? 0 : together / spread, mean };
}

function filesAtRest(samples: readonly Sample[]): readonly [number, number] | undefined {
  const counts = samples.filter(({ quiet }) => quiet).map(({ files }) => files);
  const [first, last] = [counts[0], counts.at(-1)];
  return first === undefined || last === undefined ? undefined : [first, last];
}
