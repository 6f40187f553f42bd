/** A look into a file store that no server has open: the head of its one collection, and the jobs that a kill left in it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compileEmbeddedKernel, createDigests, Kernel } from '../../dist/core/kernel/index.js';
import * as log from '../../dist/core/log/index.js';
import { nodeSha256, openFileStore } from '../../dist/core/store/adapters/node/index.js';
import { systemClock, systemRandom, systemSleep } from '../../dist/core/system-ports.js';

const KERNEL_BYTES = 16 * 1024 * 1024;

/** @param {string} folder */
async function contextOf(folder) {
  const [uid, ...others] = readdirSync(join(folder, 'c'));
  if (uid === undefined || others.length > 0) throw new Error(`${folder} has not one collection`);
  const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: KERNEL_BYTES });
  const digests = createDigests(kernel, nodeSha256);
  const ports = { clock: systemClock, random: systemRandom, sleep: systemSleep, digests };
  const context = { store: await openFileStore(folder, { create: false }), ports, uid };
  return /** @type {import('../../dist/core/log/index.js').LogContext} */ (context);
}

/** @param {string} folder */
export async function headOf(folder) {
  const loaded = await log.tryReadHead(await contextOf(folder));
  if (loaded === undefined) throw new Error(`${folder}: there is no head`);
  return loaded.head;
}

/**
 * Takes the jobs of killed servers for dead at once. Left alone they would be when they are old: anyone
 * may remove a job that looks dead, which costs work and never safety. Until then nobody else folds.
 * @param {string} folder
 * @returns {Promise<number>} how many there were
 */
export async function removeJobs(folder) {
  return (await log.removeDeadJobs(await contextOf(folder), 0)).length;
}
