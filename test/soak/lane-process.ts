/**
 * A process with some lanes, each a strand of its own, all at once over one open database. On `pause` every strand comes to rest
 * and leaves its journal, and on `resume` takes it up again as a new process would.
 */
import { readdirSync } from 'node:fs';
import { limits, open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { DIMENSION, lanesOf } from './lanes.js';
import type { Part, Sample } from './messages.js';
import { journalOf, Orders, say, storeOf, Tallies } from './parent-line.js';
import { FAT_CHARACTERS, FAT_ROWS } from './operations.js';
import { inputOf, newRecord } from './records.js';
import { runStrand } from './strand.js';

const SAMPLE_MS = 2_000;
/** Soon, and of its own accord: what is open then is what may be open at every later rest. */
const FIRST_REST_MS = 4_000;
const MEMORY_BUDGET_BYTES = 48 * 1024 * 1024;
/** This one is never killed: its memory is what is judged. */
const ELDER = 0;
/** This one folds, merges and collects by itself, beside those who do nothing else. */
const MAINTAINER = 1;
const MAINTENANCE = { intervalMs: 1_500 };

export async function runLanes(part: Part): Promise<void> {
  const { worker } = part;
  const database = await open(storeOf(part), {
    memoryBudgetBytes: MEMORY_BUDGET_BYTES,
    maintenance: worker === MAINTAINER ? MAINTENANCE : false,
  });
  if (worker === ELDER) await fillSpareMemory(database);
  const orders = new Orders();
  const tallies = new Tallies();
  const sampler = setInterval(() => say({ is: 'sample', sample: sample(false) }), SAMPLE_MS);
  say({ is: 'ready' });
  await runTo(part, database, tallies, () => orders.last !== 'resume' || performance.now() > FIRST_REST_MS);
  while (orders.last !== 'stop') {
    await runTo(part, database, tallies, () => orders.last !== 'resume');
    tallies.tell();
    say({ is: 'paused' });
    await orders.until('resume', 'stop');
  }
  clearInterval(sampler);
  tallies.end();
  await database.close();
}

/**
 * Buffers of large batches are kept for the next ones, up to a limit. Were they taken when chance has it, in the middle of the
 * run, they would look like growth. At once, because one after the other would share one buffer.
 */
async function fillSpareMemory(database: Database): Promise<void> {
  const scratch = await database.createCollection('scratch', { dimension: DIMENSION });
  const rows = Array.from({ length: FAT_ROWS }, (_, at) =>
    inputOf(`${at}`, newRecord(0, at + 1, FAT_CHARACTERS)),
  );
  const batches = Math.ceil(limits.spareMemoryBytes / (FAT_ROWS * FAT_CHARACTERS));
  await Promise.all(Array.from({ length: batches }, () => scratch.upsert(rows)));
  await database.dropCollection('scratch');
}

/** Until every strand has come to rest. */
async function runTo(part: Part, database: Database, tallies: Tallies, ended: () => boolean): Promise<void> {
  const all = Array.from({ length: part.workers }, (_, worker) => lanesOf(worker)).flat();
  const strands = lanesOf(part.worker).map((lane) => {
    const journal = journalOf(part, lane.number);
    const seed = part.seed * 1_009 + lane.number;
    const rivals = all
      .filter(({ collection, number }) => collection === lane.collection && number !== lane.number)
      .map(({ number }) => journalOf(part, number));
    return runStrand({ lane, database, journal, rivals, seed, ended, tally: tallies.add });
  });
  await Promise.all(strands);
  say({ is: 'sample', sample: sample(true) });
}

/** Garbage is collected first: what is measured is what is held. */
function sample(quiet: boolean): Sample {
  globalThis.gc!();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    ...{ ms: performance.now(), rss, heap: heapUsed, buffers: external },
    files: openFiles(),
    quiet,
  };
}

function openFiles(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  // One is the directory's own.
  return readdirSync('/proc/self/fd').length - 1;
}
