/** What a run has to say in the end. */
import { lookups } from './lookups.js';
import { operations } from './operations.js';
import { sum } from './soak.js';
import type { SoakReport } from './soak.js';

export function linesOf(report: SoakReport): readonly string[] {
  const { tallies, checks, settled, elder, faults, filesMost } = report;
  const count = (what: string): number => tallies.get(what) ?? 0;
  const of = (start: string): string =>
    listed(
      [...tallies]
        .filter(([what]) => what.startsWith(start))
        .map(([what, n]) => [what.slice(start.length), n]),
    );
  const kinds = (names: Iterable<string>): string => listed([...names].map((name) => [name, count(name)]));
  const writes = sum(tallies, (what) => operations.has(what));
  const reads = sum(tallies, (what) => lookups.has(what));
  return [
    `${writes} writes: ${kinds(operations.keys())}`,
    `${reads} reads: ${kinds(lookups.keys())}; ${count('nearest missed')} of ${count('nearest found') + count('nearest missed')} walks missed the record of their vector`,
    `kills: ${of('kills: ')}; stops: ${of('stops: ')}`,
    `${count('in doubt')} writes in doubt: ${of('in doubt: ')}; ${count('old key again')} old keys repeated; refused and repeated: ${of('refused: ')}`,
    `compactions: ${count('compact')} and ${count('compact minor')} minor ones, ${count('slots folded')} slots folded, ${count('segments merged')} segments merged, ${count('dead jobs removed')} dead jobs removed`,
    `collected beside the writers: ${count('objects collected')} objects, ${megabytes(count('bytes collected'))}, in ${count('collections of garbage')} collections`,
    `${checks.length} comparisons of everything, each with a scrub`,
    ...elder.trends.map(
      ({ what, meanBytes, growthBytes, growthMaxBytes }) =>
        `${what} of the process that was never killed: mean ${megabytes(meanBytes)}, the line through the least of ${elder.samples} samples rises by ` +
        `${megabytes(growthBytes)}, ${percent(growthBytes / meanBytes)} of it, in ${elder.seconds.toFixed(0)} s (at most ${megabytes(growthMaxBytes)})`,
    ),
    `its open files at rest: ${elder.files?.join(', then ') ?? 'unknown'}; the most of any process at any time: ${filesMost}`,
    ...(settled === undefined
      ? []
      : [
          `in the end: ${settled.records} records, ${megabytes(settled.bytesBefore)}, of which ${settled.objectsCollected} objects were collected; ${megabytes(settled.bytes)} are left`,
          `leaked: ${settled.leakedBytes} bytes, ${percent(settled.leakedBytes / settled.bytes)}; ${settled.tombstones} heads of dropped collections stay, ${settled.tombstoneBytes} bytes; ` +
            `${settled.orphans} heads without a name and ${settled.temporary} temporary files of killed processes were made old, and are gone`,
        ]),
    ...faults.map((fault) => `WRONG: ${fault}`),
    faults.length === 0 ? 'nothing is wrong' : `what there is of it: ${report.folder}`,
  ];
}

function listed(counts: readonly (readonly [string, number])[]): string {
  return counts.length === 0 ? 'none' : counts.map(([what, count]) => `${what} ${count}`).join(', ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
