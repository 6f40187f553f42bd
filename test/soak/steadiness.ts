/**
 * Whether memory and open files of a process stay what they are. Memory: a line by least squares through the samples behind the
 * warm-up. What it rises by from the first to the last of them must be a small share of their mean; growth that is no leak (caches that
 * fill, fragments of the allocator) ends in the warm-up. Files: what is open while nothing is under way.
 */
import type { Sample } from './messages.js';

export interface Trend {
  readonly what: 'resident memory' | 'heap' | 'buffers';
  readonly meanBytes: number;
  /** What the line rises by over the samples. */
  readonly growthBytes: number;
  /** Of the mean, that is too much. */
  readonly shareMax: number;
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
const SAMPLES_LEAST = 30;
const FILES_MORE_MAX = 2;
/** With so many open a process has lost count of them. */
export const FILES_MAX = 200;

const SERIES = [
  { what: 'resident memory', of: ({ rss }: Sample) => rss, shareMax: 0.15 },
  { what: 'heap', of: ({ heap }: Sample) => heap, shareMax: 0.15 },
  { what: 'buffers', of: ({ buffers }: Sample) => buffers, shareMax: 0.25 },
] as const;

export function judge(samples: readonly Sample[]): Steadiness {
  const totalMs = (samples.at(-1)?.ms ?? 0) - (samples[0]?.ms ?? 0);
  const fromMs = (samples[0]?.ms ?? 0) + Math.max(WARM_UP.leastMs, totalMs * WARM_UP.share);
  const warm = samples.filter(({ ms, quiet }) => ms >= fromMs && !quiet);
  const trends = warm.length < SAMPLES_LEAST ? [] : SERIES.map((series) => trendOf(warm, series));
  const files = filesAtRest(samples);
  return {
    samples: warm.length,
    seconds: warm.length === 0 ? 0 : (warm.at(-1)!.ms - warm[0]!.ms) / 1_000,
    ...{ trends, files },
    faults: [
      ...trends
        .filter(({ growthBytes, meanBytes, shareMax }) => growthBytes > meanBytes * shareMax)
        .map(
          ({ what, growthBytes, meanBytes }) => `${what} grows: by ${growthBytes} bytes, mean ${meanBytes}`,
        ),
      ...(files !== undefined && files[1] > files[0] + FILES_MORE_MAX
        ? [`open files grow: from ${files[0]} to ${files[1]} while nothing is under way`]
        : []),
    ],
  };
}

function trendOf(samples: readonly Sample[], { what, of, shareMax }: (typeof SERIES)[number]): Trend {
  const points = samples.map((sample) => ({ x: sample.ms, y: of(sample) }));
  const spanMs = samples.at(-1)!.ms - samples[0]!.ms;
  const { slope, mean } = lineThrough(points);
  return { what, shareMax, meanBytes: Math.round(mean), growthBytes: Math.round(slope * spanMs) };
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
